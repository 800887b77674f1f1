"""The frame around every command: arguments, errors, exit codes."""

import argparse
import contextlib
import functools
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from keras_transfer.cli.spoken import spoken
from keras_transfer.names import printable

INTERRUPTED = 130  # 128 + SIGINT, as shells count.
BROKEN_PIPE = 141  # 128 + SIGPIPE.
ERROR = 2

DESCRIPTION = (
    "Transfer learning in Keras: from a folder of photographs, one subfolder\n"
    "per class, to a classifier in one file."
)
EPILOG = """\
examples:
  keras-transfer fit photos/
  keras-transfer predict model.keras new_photo.jpg
  keras-transfer demo
"""


def run(commands: Sequence[str], argv: Sequence[str] | None) -> int:
    """Parses the words of the command line and runs the command they name.

    Args:
        commands: Names of the modules that hold the commands.
        argv: The words; `None` for those of this process.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Names of files and classes need not be in its character set.
            stream.reconfigure(errors="backslashreplace")
    parser = _build_parser(commands)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as exit:
        # argparse has printed the help or the error already.
        return exit.code
    if arguments.run is None:
        parser.print_help(sys.stderr)
        return ERROR
    with warnings.catch_warnings():
        warnings.showwarning = functools.partial(
            _show_warning, arguments.parser
        )
        try:
            code = arguments.run(arguments)
            # A reader that has gone away is noticed here, not at exit.
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            _forget_stdout()
            return BROKEN_PIPE
        except KeyboardInterrupt:
            print("\nInterrupted.", file=sys.stderr)
            return INTERRUPTED
        except Exception as error:
            # Whatever a plugin or Keras raises ends in a sentence as well.
            if arguments.debug:
                _tell(traceback.format_exc().rstrip())
            sentence = spoken(_sentence(error), arguments.parser)
            _tell(f"keras-transfer: {sentence}")
            return ERROR


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def __init__(self, **arguments):
        super().__init__(
            **arguments,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument(
            "--debug",
            action="store_true",
            # Not to undo, in a command, what was given before it.
            default=argparse.SUPPRESS,
            help="show where an error comes from",
        )
        # That of the command which is run, whose words errors are put into.
        self.set_defaults(parser=self)

    def error(self, message):
        self.exit(
            ERROR,
            f"{self.prog}: {message.rstrip('.')}. See `{self.prog} --help`.\n",
        )


def _build_parser(commands):
    import keras_transfer

    parser = _Parser(
        prog="keras-transfer", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        version=keras_transfer.__version__,
    )
    parser.set_defaults(run=None, debug=False)
    subparsers = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in commands:
        module = importlib.import_module(f"keras_transfer.cli.{command}")
        module.add_parser(subparsers)
    return parser


def _sentence(error):
    text = str(error).strip() or type(error).__name__
    if isinstance(error, KeyError):
        # Its text is only the key.
        text = f"KeyError: {text}"
    is_expected = isinstance(error, (ValueError, TypeError, OSError)) or (
        # Ours say what to install; Python's own have the module's name.
        isinstance(error, ImportError) and error.name is None
    )
    notes = getattr(error, "__notes__", ())
    if not is_expected:
        # TensorFlow's texts are dumps of many lines; the first one says it.
        text = text.splitlines()[0]
        if not text.startswith(type(error).__name__):
            text = f"{type(error).__name__}: {text}"
    text = "\n".join([text, *notes])
    if is_expected:
        return text
    return f"{text}\nUnexpected error; rerun with `--debug`."


def _show_warning(
    parser, message, category, filename, lineno, file=None, line=None
):
    said = spoken(str(message), parser)
    _tell(f"keras-transfer: warning: {said}", file)


def _tell(text, file=None):
    # Errors quote names that come from files.
    print(printable(text, keep="\n\t"), file=file or sys.stderr)


def _forget_stdout():
    # Python may flush stdout once more at exit, which would fail aloud:
    # https://docs.python.org/3/library/signal.html#note-on-sigpipe
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
