"""`keras-transfer convert`: an `.h5` model as a `.keras` file."""

import argparse
import os
import pathlib

from keras_transfer.cli.keras_start import start_keras
from keras_transfer.names import printable

DESCRIPTION = """\
Reads an .h5 model and writes it as a .keras file. Each weight goes to the
variable of its name; Keras itself goes by their order, which is wrong when
some layers are frozen. State of the optimizer is left out.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "convert",
        help="write an .h5 model as a .keras file",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="FILE.h5", type=pathlib.Path, help="an .h5 model file"
    )
    parser.add_argument(
        "out", metavar="OUT.keras", type=pathlib.Path, help="file to write"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    if not arguments.model.is_file():
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    start_keras()
    import keras_transfer as kt
    from keras_transfer.saving.legacy_h5 import load_h5

    kt.save_model(load_h5(arguments.model), arguments.out)
    print(
        f"Wrote {printable(arguments.out)}, each weight assigned by its name. "
        "Compile it before training goes on."
    )
    return 0
