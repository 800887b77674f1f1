"""`keras-transfer check`: whether a model file is sound and could be loaded."""

import argparse
import pathlib

from keras_transfer.names import printable

BAD_NEWS = 1

DESCRIPTION = """\
Tells whether `kt.load_model` would load a model file: whether it is whole, asks
for nothing that it should not, holds finite weights, and whether all that it
needs is installed. The exit code is 0 when it would, and 1 when it would not,
with the reason. The model is built where all else is well; it is not run.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "check",
        help="tell whether a model file is safe and whole",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "models",
        metavar="FILE",
        nargs="+",
        type=pathlib.Path,
        help="a .keras file, or several",
    )
    parser.add_argument(
        "--sha256",
        metavar="DIGEST",
        help="the digest that the one file must have",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.registry import plugin_classes

    if arguments.sha256 is not None and len(arguments.models) > 1:
        raise ValueError(
            "--sha256 is of one file. Received "
            f"{len(arguments.models)} files: check them one by one."
        )
    declared = plugin_classes.default_registry().owners()
    faults = [
        _fault(path, declared, arguments.sha256) for path in arguments.models
    ]
    for path, fault in zip(arguments.models, faults, strict=True):
        print(printable(fault or f"The model file {str(path)!r} is sound."))
    return BAD_NEWS if any(faults) else 0


def _fault(path, declared, sha256):
    """The sentence that says what is wrong with a file, or `None`."""
    from keras_transfer.registry import plugin_classes
    from keras_transfer.saving import archive
    from keras_transfer.saving.archive.description import is_declared

    try:
        archive.check_kind(path)
        with archive.checked(
            path, lambda name: is_declared(name, declared), sha256
        ) as contents:
            found = contents.found
            contents.check_finite()
            if found.missing:
                what = plugin_classes.explain(found.missing, found.model_info)
                return f"The model file {str(path)!r} {what}"
            # Only Keras knows whether it can build this. What is damaged or
            # hostile has ended before, without the seconds that it takes.
            from keras_transfer.saving.loading import load_checked

            load_checked(path, contents)
    except archive.ModelFileError as error:
        return str(error.of(str(path)))
    return None
