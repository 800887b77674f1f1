"""`keras-transfer nearest`: the photographs that are most like another."""

import argparse
import pathlib
import sys

from keras_transfer.cli import embed
from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras
from keras_transfer.files.output_path import check_output
from keras_transfer.names import printable

DESCRIPTION = """\
Compares a photograph with all of a folder, and lists those that are most like
it in the eyes of a model.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "nearest",
        help="find photographs like another",
        description=DESCRIPTION,
    )
    embed.add(parser)
    parser.add_argument(
        "query",
        metavar="QUERY",
        nargs="+",
        type=pathlib.Path,
        help="the photograph, or several",
    )
    parser.add_argument(
        "-k",
        type=words.whole_number(1),
        default=5,
        metavar="K",
        help="number of neighbours (default: 5)",
    )
    parser.add_argument(
        "--metric",
        choices=("cosine", "l2"),
        default="cosine",
        help="how vectors are compared (default: cosine)",
    )
    parser.add_argument(
        "--index",
        type=pathlib.Path,
        metavar="FOLDER",
        help="keep the vectors there, to be used again",
    )
    parser.add_argument(
        "--plot",
        type=pathlib.Path,
        metavar="PICTURE",
        help="also draw them, as a .png, .pdf or .svg file",
    )
    parser.add_argument(
        "--json", action="store_true", help="write JSON, in full precision"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    embed.check(arguments)
    if arguments.plot is not None:
        check_output(arguments.plot)
    start_keras()
    import keras_transfer as kt

    found = kt.nearest(
        kt.load_model(arguments.model),
        arguments.folder,
        arguments.query,
        arguments.k,
        metric=arguments.metric,
        index=arguments.index,
        **embed.options_of(arguments),
    )
    write = _write_json if arguments.json else _write_lines
    write(arguments.query, found)
    if arguments.plot is not None:
        kt.plot_nearest(arguments.query, found, arguments.plot)
    return 0


def _write_lines(queries, found):
    for query, neighbors in zip(queries, found, strict=True):
        for neighbor in neighbors:
            cells = [query, neighbor.path, f"{neighbor.score:.4f}"]
            cells.append(neighbor.label or "")
            print("\t".join(map(printable, cells)))


def _write_json(queries, found):
    records = [
        {"query": str(query), "neighbors": [vars(n) for n in neighbors]}
        for query, neighbors in zip(queries, found, strict=True)
    ]
    text = words.json_text(records, sys.stdout, indent=1)
    print(printable(text, keep="\n"))
