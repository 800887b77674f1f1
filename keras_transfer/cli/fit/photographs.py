"""The photographs of `fit`: its options for folders and tables."""

import argparse
import pathlib
from typing import Any

from keras_transfer.cli.fit.columns import option_of
from keras_transfer.data import given_folders


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options to the parser of the command."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        type=pathlib.Path,
        nargs="?",
        help="the photographs; or a table of them (.csv, .tsv, .parquet) with "
        "a row for each",
    )
    parts = parser.add_argument_group("photographs")
    parts.add_argument(
        "--train",
        type=pathlib.Path,
        metavar="DIR",
        help="folder of the class folders for training, instead of one DIR "
        "for all parts",
    )
    parts.add_argument(
        "--validation",
        "--val",
        type=pathlib.Path,
        metavar="DIR",
        help="the same for validation",
    )
    parts.add_argument(
        "--test",
        type=pathlib.Path,
        metavar="DIR",
        help="the same for the test, which training never sees",
    )
    parts.add_argument(
        "--class-names",
        type=_names,
        metavar="NAME[,NAME...]",
        help="the class folders to use, in the order of the outputs "
        "(default: all by name)",
    )
    parts.add_argument(
        "--label-from-name",
        metavar="PATTERN",
        help="regular expression of the files' names with a group 'label', "
        r"such as '(?P<label>.+)_\d+\.jpg', where classes are no folders",
    )
    parts.add_argument(
        "--group",
        metavar="PATTERN|COLUMN",
        help="what must not be on both sides of a split, such as patients: a "
        "regular expression of the files' paths with a group 'group', or a "
        "column of the table",
    )
    _add_table(parser.add_argument_group("table"))


def _add_table(table):
    table.add_argument(
        "--images",
        type=pathlib.Path,
        metavar="DIR",
        help="folder of the files (default: that of the table)",
    )
    table.add_argument(
        "--image-column",
        dest="image",
        metavar="COLUMN",
        help="names of the files (default: file)",
    )
    table.add_argument("--label", metavar="COLUMN", help="the class")
    table.add_argument(
        "--labels",
        type=_names,
        metavar="COLUMN[,COLUMN...]",
        help="several labels at once: columns of 0 and 1; or, with "
        "--separator, one column of all labels",
    )
    table.add_argument(
        "--separator",
        metavar="TEXT",
        help="what stands between the labels of one column, such as '|'",
    )
    table.add_argument(
        "--target",
        type=_names,
        metavar="COLUMN[,COLUMN...]",
        help="numbers to be learned",
    )
    table.add_argument(
        "--split-column",
        dest="split",
        metavar="COLUMN",
        help="train, val or test for each photograph",
    )
    table.add_argument(
        "--weight", metavar="COLUMN", help="how much each photograph counts"
    )


def _names(text):
    return [name.strip() for name in text.split(",")]


def photographs_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what `from_directory` takes to find the photographs."""
    return {
        "path": arguments.folder,
        "train": arguments.train,
        "validation": arguments.validation,
        "test": arguments.test,
        "class_names": arguments.class_names,
        "label_from_name": arguments.label_from_name,
        "group": arguments.group,
    }


_OF_TABLES = (
    "image",
    "label",
    "labels",
    "separator",
    "target",
    "split",
    "weight",
    "images",
)
_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


def is_table(arguments: argparse.Namespace) -> bool:
    """Tells whether a table of photographs was named, not a folder.

    Raises:
        ValueError: Options of the one are given for the other.
    """
    path = arguments.folder
    found = path is not None and path.suffix.lower() in _TABLES
    found = found and not path.is_dir()
    others = ("train", "validation", "test", "label_from_name")
    for name in others if found else _OF_TABLES:
        if getattr(arguments, name) is not None:
            option = option_of(name)
            what = "a folder" if found else "a table (.csv, .tsv, .parquet)"
            raise ValueError(
                f"{option} is for {what} of photographs. Received: "
                f"{path or arguments.train}"
            )
    return found


def table_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what `from_table` takes to find the photographs."""
    given = {name: getattr(arguments, name) for name in _OF_TABLES}
    if given["labels"] and given["separator"] and len(given["labels"]) == 1:
        (given["labels"],) = given["labels"]
    given = {name: value for name, value in given.items() if value is not None}
    return {
        "table": arguments.folder,
        "group": arguments.group,
        "class_names": arguments.class_names,
        **given,
    }


def folders_of(arguments: argparse.Namespace) -> list[pathlib.Path]:
    """Returns the folders that were named."""
    if is_table(arguments):
        return [arguments.images or arguments.folder.parent]
    named = photographs_of(arguments)
    keys = ("path", "train", "validation", "test")
    return [named[key] for key in keys if named[key] is not None]


def roots_of(arguments: argparse.Namespace) -> list[pathlib.Path]:
    """Returns the folders of the parts, among which nothing is written."""
    if is_table(arguments):
        # A table lies where its photographs do, and a model may as well.
        return [arguments.images] if arguments.images else []
    named = photographs_of(arguments)
    del named["group"]
    return given_folders.roots_of(**named)
