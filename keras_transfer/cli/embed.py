"""`keras-transfer embed`: a vector for each photograph of a folder."""

import argparse
import pathlib

from keras_transfer.cli import embedding_arguments
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
    embedding_arguments.add(parser)
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
    embedding_arguments.check(arguments)
    start_keras()
    import keras_transfer as kt

    embeddings = kt.embed(
        kt.load_model(arguments.model),
        arguments.folder,
        out=arguments.out,
        dtype=arguments.dtype,
        **embedding_arguments.options_of(arguments),
    )
    rows, *shape = embeddings.vectors.shape
    print(
        f"{rows} vectors of {' x '.join(map(str, shape))} values, "
        f"{arguments.dtype}, in {printable(arguments.out)}"
    )
    return 0
