"""What a model says of photographs, as text, JSON or CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from keras_transfer.cli import words
from keras_transfer.names import printable
from keras_transfer.serving.ranking import Prediction
from keras_transfer.serving.reading import Reading
from keras_transfer.serving.said import Said
from keras_transfer.serving.said import as_json


class TextWriter:
    """Writes a line for each photograph, for people; a table where piped.

    Args:
        file: Where to write.
        paths: All photographs that will come.
        readings: How each output of the model is read.
    """

    def __init__(
        self,
        file: TextIO,
        paths: Sequence[Path],
        readings: Sequence[Reading],
    ):
        self.file = file
        self.readings = readings
        self.is_terminal = file.isatty()
        self.width = max((len(printable(path)) for path in paths), default=0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def write(self, path: Path, said: Sequence[Said] | None, fault: str | None):
        """Writes what is said of one photograph; nothing where it is a fault.

        Args:
            path: The photograph.
            said: What each output says of it.
            fault: Why it cannot be read.
        """
        if said is None:
            return
        if self.is_terminal:
            name = f"{printable(path):<{self.width}}"
            print(f"{name}  {'; '.join(map(_sentence, said))}", file=self.file)
            return
        cells = [printable(path)]
        for one in said:
            if one.output is not None:
                cells.append(printable(one.output))
            cells += _cells(one)
        print("\t".join(cells), file=self.file)


def _sentence(said):
    output = "" if said.output is None else f"{printable(said.output)}: "
    return output + phrase(said)


def shown_of(said: Said) -> list[Prediction]:
    """Returns the classes, labels or grades that are shown of an output.

    Args:
        said: What it says of one image.
    """
    is_all = said.kind == "multi_label" and said.every is not None
    return said.every if is_all else said.entries


def phrase(said: Said) -> str:
    """Returns what an output says, as a person would read it.

    Args:
        said: What it says of one image.
    """
    if said.kind == "regression":
        numbers = [
            f"{printable(n.name)} {n.value:.5g} {printable(n.unit or '')}"
            for n in said.entries
        ]
        return ", ".join(number.rstrip() for number in numbers)
    shown = shown_of(said)
    told = [f"{printable(p.label)} {p.probability:.1%}" for p in shown]
    return ", ".join(told) or "no label"


def _cells(said):
    if said.kind == "regression":
        for number in said.entries:
            yield from (printable(number.name), f"{number.value:.6g}")
            if number.unit is not None:
                yield printable(number.unit)
        return
    for p in shown_of(said):
        yield from (printable(p.label), f"{p.probability:.4f}")


class CsvWriter(TextWriter):
    """Writes a row for each class, label or number of each photograph."""

    def __enter__(self):
        only = self.readings[0].name is None and self.readings[0].task.kind
        columns = ["image", *_COLUMNS.get(only, _EVERY_COLUMN)]
        self.rows = csv.DictWriter(
            self.file, columns, extrasaction="ignore", lineterminator="\n"
        )
        self.rows.writeheader()
        return self

    def write(self, path, said, fault):
        for one in said or ():
            output = one.output and printable(one.output)
            for row in _rows(one):
                self.rows.writerow(
                    {"image": printable(path), "output": output, **row}
                )


def _rows(said):
    if said.kind == "regression":
        for number in said.entries:
            name = printable(number.name)
            unit = number.unit and printable(number.unit)
            yield {"name": name, "value": repr(number.value), "unit": unit}
        return
    is_ranked = said.kind != "multi_label"
    shown = shown_of(said)
    if not shown:
        yield {}  # A photograph without a label is in the table as well.
    for rank, p in enumerate(shown, start=1):
        label = printable(p.label)
        yield {
            "rank": rank if is_ranked else None,
            **dict.fromkeys(("class", "grade", "label", "name"), label),
            "probability": repr(p.probability),
        }


# Of models with one output, by the kind of its task.
_COLUMNS = {
    "classification": ("rank", "class", "probability"),
    "ordinal": ("rank", "grade", "probability"),
    "multi_label": ("label", "probability"),
    "regression": ("name", "value", "unit"),
}
_EVERY_COLUMN = ("output", "rank", "name", "probability", "value", "unit")


class JsonWriter(TextWriter):
    """Writes one list, with an object for each photograph."""

    def __enter__(self):
        self.separator = "[\n"
        return self

    def __exit__(self, *exception):
        # After an error half a list is better seen to be half a list.
        if exception == (None, None, None):
            self.file.write("\n]\n")

    def write(self, path, said, fault):
        told = {"error": fault} if said is None else as_json(said)
        record = {"image": str(path), **told}
        text = printable(words.json_text(record, self.file))
        self.file.write(self.separator + text)
        self.separator = ",\n"


WRITERS = {"text": TextWriter, "csv": CsvWriter, "json": JsonWriter}
