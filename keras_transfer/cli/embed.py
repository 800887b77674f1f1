"""`keras-transfer embed`: a vector for each photograph of a folder."""

import argparse
import os
import pathlib
from typing import Any

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras
from keras_transfer.names import printable

DESCRIPTION = """\
Writes a vector for each photograph, as vectors.npy in a folder or as a table
in one .parquet file. Stopped at any moment and started again, it goes on.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "embed",
        help="turn photographs into vectors",
        description=DESCRIPTION,
    )
    add(parser)
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        required=True,
        metavar="FOLDER|FILE.parquet",
        help="where the vectors are written",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float16", "bfloat16"),
        default="float32",
        help="type of the vectors (default: float32)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    check(arguments)
    start_keras()
    import keras_transfer as kt

    embeddings = kt.embed(
        kt.load_model(arguments.model),
        arguments.folder,
        out=arguments.out,
        dtype=arguments.dtype,
        **options_of(arguments),
    )
    rows, *shape = embeddings.vectors.shape
    print(
        f"{rows} vectors of {' x '.join(map(str, shape))} values, "
        f"{arguments.dtype}, in {printable(arguments.out)}"
    )
    return 0


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
    words.add_bad_files(parser, has_old_name=True)
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="replace vectors that were made from something else",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raises where there is no model or no folder, before Keras is loaded."""
    words.warn_of_old_names(arguments)
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
        "bad_files": arguments.bad_files,
        "rebuild": arguments.rebuild,
    }
