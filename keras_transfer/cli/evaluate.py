"""`keras-transfer evaluate`: how good a model is on labelled photographs."""

import argparse
import json
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.fit.report import audited
from keras_transfer.cli.keras_start import start_keras_for
from keras_transfer.files.output_path import check_output
from keras_transfer.names import printable

DESCRIPTION = """\
Tells how good a model is on photographs in class folders: the test set where
DATA has one, otherwise the validation set, otherwise everything.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="tell how good a model is on labelled photographs",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=pathlib.Path,
        help="a .keras file, or one that was exported",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        type=pathlib.Path,
        help="a folder with one subfolder per class of the model, in any order",
    )
    parser.add_argument(
        "--threshold",
        type=words.number_between(0, 1),
        metavar="P",
        help="probability of the second of two classes, or of each of several "
        "labels, from which on it is predicted (default: the more probable "
        "class)",
    )
    parser.add_argument(
        "--output",
        metavar="NAME",
        help="the output to be judged, of a model with several",
    )
    parser.add_argument(
        "--json",
        type=pathlib.Path,
        metavar="FILE",
        help="write all figures, and what is said of each photograph",
    )
    parser.add_argument(
        "--report",
        type=pathlib.Path,
        metavar="FILE.html",
        help="write a page with curves, confusion matrix, mistakes, and what "
        "an audit of the photographs found",
    )
    words.add_bad_files(parser)
    words.add_trust(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    if not arguments.data.is_dir():
        raise ValueError(f"There is no folder {str(arguments.data)!r}.")
    written = [p for p in (arguments.json, arguments.report) if p is not None]
    for path in written:
        check_output(path)
    start_keras_for(arguments.model, arguments.trust)
    from rich.console import Console

    from keras_transfer.evaluation.evaluating import evaluate
    from keras_transfer.evaluation.result import class_rows
    from keras_transfer.evaluation.result import summary_rows

    found = evaluate(
        arguments.model,
        arguments.data,
        arguments.threshold,
        output=arguments.output,
        bad_files=arguments.bad_files,
        trust=arguments.trust,
    )
    print(printable(f"{found.model_name} on {found.source}"))
    console = Console()
    if console.is_terminal:
        console.print(found.table())
    else:
        print()
        words.print_table(*class_rows(found))
        print()
        words.print_table(("result", "value"), summary_rows(found))
    if arguments.json is not None:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(found.to_json(), file, indent=1)
    if arguments.report is not None:
        found.html(arguments.report, audited(arguments.data))
    if written:
        print(f"\nWritten: {', '.join(map(printable, written))}")
    return 0
