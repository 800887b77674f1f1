"""`python -m keras_transfer`: the command line without its entry point."""

from keras_transfer.cli import main

raise SystemExit(main())
