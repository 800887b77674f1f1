"""The arguments of the commands that turn photographs into vectors."""

import argparse
import os
import pathlib
from typing import Any

from keras_transfer.cli import words


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the folder, and how vectors are made of them."""
    parser.add_argument(
        "model", metavar="MODEL", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=pathlib.Path,
        help="the photographs, searched at any depth",
    )
    parser.add_argument(
        "--at",
        default="backbone",
        metavar="LAYER",
        help="a stage, or the path of a layer (default: the backbone's output)",
    )
    parser.add_argument(
        "--pooling",
        choices=("avg", "max", "gem"),
        default="avg",
        help="how a feature map becomes a vector (default: avg)",
    )
    parser.add_argument(
        "--batch-size",
        type=words.whole_number(1),
        default=32,
        metavar="N",
        help="photographs at a time (default: 32)",
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out damaged photographs instead of stopping",
    )
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="replace vectors that were made from something else",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raises where there is no model or no folder, before Keras is loaded."""
    if not arguments.model.exists():
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    if not arguments.folder.is_dir():
        raise ValueError(f"There is no folder {os.fspath(arguments.folder)!r}.")


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments as `embed` and `nearest` name them."""
    return {
        "at": arguments.at,
        "pooling": arguments.pooling,
        "batch_size": arguments.batch_size,
        "bad_files": "skip" if arguments.skip_bad else "error",
        "rebuild": arguments.rebuild,
    }
