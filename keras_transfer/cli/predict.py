"""`keras-transfer predict`: classes of new photographs."""

import argparse
import os
import pathlib
import sys

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras

UNREADABLE = 1
# Decoded and predicted at a time; the next ones are not in memory yet.
BATCH_SIZE = 32
_MANY = 100

DESCRIPTION = """\
Tells the most probable class of each photograph. One that cannot be read is
named on stderr, the others are predicted all the same; the exit code is then 1.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "predict",
        help="tell the classes of photographs",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="MODEL", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "images",
        metavar="IMAGE|FOLDER",
        nargs="+",
        type=pathlib.Path,
        help="photographs, or folders that are searched at any depth",
    )
    parser.add_argument(
        "--top",
        type=words.whole_number(1),
        default=1,
        metavar="K",
        help="number of classes for each photograph (default: 1)",
    )
    format = parser.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        format.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            default="text",
            help=f"write {name.upper()}, with probabilities in full precision",
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.cli.prediction_writers import WRITERS
    from keras_transfer.data import list_images

    paths = list_images(arguments.images)
    _check_model_file(arguments.model)
    start_keras()
    import keras_transfer as kt

    model = kt.load_model(arguments.model)
    has_unreadable = False
    with WRITERS[arguments.format](sys.stdout, paths) as writer:
        for path, predictions, fault in _predicted(model, paths, arguments.top):
            writer.write(path, predictions, fault)
            if fault is not None:
                has_unreadable = True
                print(f"keras-transfer: {path}: {fault}", file=sys.stderr)
    return UNREADABLE if has_unreadable else 0


def _predicted(model, paths, top):
    """Yields path, predictions, fault; one of these two is `None`."""
    from rich.console import Console
    from rich.progress import track

    from keras_transfer.data import check_images
    from keras_transfer.prediction import predict

    batches = range(0, len(paths), BATCH_SIZE)
    show = len(paths) > _MANY and sys.stderr.isatty()
    for start in track(
        batches,
        description="Predicting",
        console=Console(stderr=True),
        disable=not show,
        transient=True,
    ):
        batch = paths[start : start + BATCH_SIZE]
        faults = check_images(batch, progress=False)
        sound = [path for path in batch if path not in faults]
        rows = iter(predict(model, sound, top, BATCH_SIZE) if sound else ())
        for path in batch:
            if path in faults:
                yield path, None, faults[path]
            else:
                yield path, next(rows), None


def _check_model_file(path):
    # `load_model` says it as well, but only once Keras is there.
    if not path.exists():
        raise ValueError(f"There is no model file {os.fspath(path)!r}.")
