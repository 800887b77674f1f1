"""`keras-transfer predict`: classes of photographs as text, JSON or CSV."""

import argparse
import contextlib
import csv
import pathlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras_for
from keras_transfer.names import printable

# Predicted at a time, while as many are decoded.
BATCH_SIZE = 32

DESCRIPTION = """\
Tells the most probable class of each photograph. One that cannot be read is
named on stderr, the others are predicted all the same; the exit code is then 1,
unless --bad-files says skip.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "predict",
        help="tell the classes of photographs",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=pathlib.Path,
        help="a .keras file, or one that was exported",
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
    words.add_bad_files(parser)
    words.add_trust(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.cli.predict import WRITERS
    from keras_transfer.data.listing import find_images
    from keras_transfer.serving.files import predict_files
    from keras_transfer.serving.opening import open_classifier

    paths, unread = find_images(arguments.images)
    start_keras_for(arguments.model, arguments.trust)
    classifier = open_classifier(arguments.model, arguments.trust)
    code = 0
    answers = predict_files(classifier, paths, arguments.top, BATCH_SIZE)
    with (
        contextlib.closing(answers),
        WRITERS[arguments.format](sys.stdout, paths) as writer,
    ):
        for path, predictions, fault in answers:
            writer.write(path, predictions, fault)
            if fault is not None:
                bad = {path: fault}
                code |= words.tell_bad_files(bad, arguments.bad_files)
        for path, fault in unread.items():
            writer.write(path, None, fault)
    return code | words.tell_bad_files(unread, arguments.bad_files)


class TextWriter:
    """Writes a line for each photograph, for people; a table where piped.

    Args:
        file: Where to write.
        paths: All photographs that will come.
    """

    def __init__(self, file: TextIO, paths: Sequence[Path]):
        self.file = file
        self.is_terminal = file.isatty()
        self.width = max((len(printable(path)) for path in paths), default=0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def write(
        self, path: Path, predictions: Sequence | None, fault: str | None
    ):
        """Writes one photograph's classes; nothing where there is a fault."""
        if fault is not None:
            return
        if self.is_terminal:
            classes = ", ".join(
                f"{printable(p.label)} {p.probability:.1%}" for p in predictions
            )
            name = f"{printable(path):<{self.width}}"
            print(f"{name}  {classes}", file=self.file)
            return
        cells = [printable(path)]
        for p in predictions:
            cells += [printable(p.label), f"{p.probability:.4f}"]
        print("\t".join(cells), file=self.file)


class CsvWriter(TextWriter):
    """Writes a row for each class of each photograph."""

    def __enter__(self):
        self.rows = csv.writer(self.file, lineterminator="\n")
        self.rows.writerow(["image", "rank", "class", "probability"])
        return self

    def write(self, path, predictions, fault):
        for rank, p in enumerate(predictions or (), start=1):
            names = printable(path), rank, printable(p.label)
            self.rows.writerow([*names, repr(p.probability)])


class JsonWriter(TextWriter):
    """Writes one list, with an object for each photograph."""

    def __enter__(self):
        self.separator = "[\n"
        return self

    def __exit__(self, *exception):
        # After an error half a list is better seen to be half a list.
        if exception == (None, None, None):
            self.file.write("\n]\n")

    def write(self, path, predictions, fault):
        record = {"image": str(path)}
        if fault is not None:
            record["error"] = fault
        else:
            record["classes"] = [
                {"class": p.label, "probability": p.probability}
                for p in predictions
            ]
        text = printable(words.json_text(record, self.file))
        self.file.write(self.separator + text)
        self.separator = ",\n"


WRITERS = {"text": TextWriter, "csv": CsvWriter, "json": JsonWriter}
