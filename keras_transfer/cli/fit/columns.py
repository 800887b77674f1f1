"""Columns of the table that `keras-transfer fit` reads, in its own words."""

import argparse

from keras_transfer import names

_WHAT = {
    "label": "the class",
    "labels": "several labels at once",
    "target": "numbers",
}


def option_of(name: str) -> str:
    """Returns the option that sets an argument of `from_table`."""
    suffix = "-column" if name in ("image", "split") else ""
    return f"--{name.replace('_', '-')}{suffix}"


def check_columns(arguments: argparse.Namespace) -> None:
    """Raises unless the table has the columns that were named.

    Args:
        arguments: Those of `fit`, of which the folder is a table.

    Raises:
        ImportError: pandas is not installed.
        ValueError: It is no table, no column or several say what is to be
            learned, or a column is missing; with the columns that there are.
    """
    # Other commands do not wait for NumPy and scikit-learn.
    from keras_transfer.data.table_files import read_table

    table = read_table(arguments.folder)
    found = [str(column) for column in table.frame.columns]
    image = arguments.image or "file"
    if image not in table.frame.columns and arguments.image is None:
        raise ValueError(
            f"{table.name} has no column 'file': say which one holds the names "
            f"of the photographs, --image-column COLUMN."
            f"{_images_in(table, found)} Its columns are "
            f"{', '.join(found)}."
        )
    given = [name for name in _WHAT if getattr(arguments, name)]
    if len(given) != 1:
        others = [column for column in found if column != image]
        ways = [
            f"{option_of(name)} COLUMN ({what})" for name, what in _WHAT.items()
        ]
        received = " and ".join(map(option_of, given)) or "none of them"
        raise ValueError(
            f"Say what is to be learned from {table.name}: one of "
            f"{', '.join(ways)}. Its other columns are "
            f"{', '.join(others) or 'none'}. Received: {received}."
        )
    for name in ("image", *_WHAT, "split", "group", "weight"):
        value = getattr(arguments, name)
        for column in [value] if isinstance(value, str) else value or []:
            if column not in table.frame.columns:
                raise ValueError(
                    f"{table.name} has no column {column!r}, which "
                    f"{option_of(name)} names. Its columns are "
                    f"{', '.join(found)}.{names.did_you_mean(column, found)}"
                )


def _images_in(table, found):
    holding = [column for column in found if table.holds_images(column)]
    shown = " and ".join(map(repr, holding[:3]))
    verb = "looks" if len(holding) == 1 else "look"
    return f" {shown} {verb} like it." if holding else ""
