"""Forms in which predictions are written, one photograph at a time."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from keras_transfer.names import printable


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
        text = printable(json.dumps(record, ensure_ascii=False))
        self.file.write(self.separator + text)
        self.separator = ",\n"


WRITERS = {"text": TextWriter, "csv": CsvWriter, "json": JsonWriter}
