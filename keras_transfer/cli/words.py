"""Conversion of words on the command line into values."""

import argparse
import ast
import json
import sys
import warnings
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import TextIO

from keras_transfer.models.spec import BackboneSpec
from keras_transfer.names import printable
from keras_transfer.structure.text_table import text_table

# Some of the photographs could not be read, the others were.
UNREADABLE = 1


def json_text(value: Any, file: TextIO, indent: int | None = None) -> str:
    """Returns JSON for a file, escaped where its character set needs it.

    Args:
        value: What JSON can hold.
        file: Where it will be written.
        indent: As for `json.dumps`. Defaults to `None`.
    """
    encoding = getattr(file, "encoding", None) or "utf-8"
    is_narrow = not encoding.lower().replace("_", "-").startswith("utf")
    return json.dumps(value, indent=indent, ensure_ascii=is_narrow)


def whole_number(minimum: int):
    """Returns a converter to whole numbers that are not below a minimum."""

    def convert(word):
        try:
            number = int(word)
        except ValueError:
            number = None
        if number is None or number < minimum:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {minimum}, received "
                f"{word!r}"
            )
        return number

    return convert


def number_between(low: float, high: float, includes_low: bool = False):
    """Returns a converter to numbers between two bounds, which are left out.

    Args:
        low: The lower bound.
        high: The upper bound.
        includes_low: Whether the lower bound itself is fine.
    """

    def convert(word):
        try:
            number = float(word)
        except ValueError:
            number = float("nan")
        if not (low < number < high or (includes_low and number == low)):
            start = "from" if includes_low else "above"
            raise argparse.ArgumentTypeError(
                f"expected a number {start} {low:g} and below {high:g}, "
                f"received {word!r}"
            )
        return number

    return convert


def units(word: str) -> tuple[int, ...]:
    """Converts `256,128` to the widths of layers."""
    convert = whole_number(1)
    return tuple(convert(part.strip()) for part in word.split(","))


def key_and_value(word: str) -> tuple[str, str]:
    """Converts `alpha=0.75` to a pair of texts."""
    key, equals, value = word.partition("=")
    if not key or not equals or not value:
        raise argparse.ArgumentTypeError(
            f"expected NAME=VALUE, such as alpha=0.75, received {word!r}"
        )
    return key.strip(), value.strip()


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds the flag of commands that run model files of every format."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run a SavedModel, which is code, although no digests lie beside "
        "it",
    )


class _SkipBad(argparse.Action):
    """The old name of `--bad-files skip`."""

    def __call__(self, parser, namespace, values, option_string=None):
        namespace.bad_files = "skip"
        namespace.old_names = [(option_string, "--bad-files skip")]


def add_bad_files(
    parser: argparse.ArgumentParser, has_old_name: bool = False
) -> None:
    """Adds the option of commands that read photographs.

    Args:
        parser: The parser of the command.
        has_old_name: Whether `--skip-bad` is taken as well.
    """
    parser.add_argument(
        "--bad-files",
        choices=("error", "skip"),
        default="error",
        help="what to do about photographs that cannot be read, which are "
        "named in any case (default: error)",
    )
    if has_old_name:
        parser.add_argument(
            "--skip-bad", action=_SkipBad, nargs=0, help=argparse.SUPPRESS
        )


def warn_of_old_names(arguments: argparse.Namespace) -> None:
    """Warns of options that were given by a name that will be gone."""
    for old, new in getattr(arguments, "old_names", ()):
        warnings.warn(
            f"{old} will be gone in the next release; write {new}.",
            stacklevel=2,
        )


def tell_bad_files(faults: Mapping[Path, str], choice: str) -> int:
    """Names on stderr what was not read; returns the exit code.

    Args:
        faults: Files, each with the reason.
        choice: What `--bad-files` says: `"error"` makes the code 1.
    """
    for path, fault in faults.items():
        told = printable(f"keras-transfer: {path}: {fault}")
        print(told, file=sys.stderr)
    return UNREADABLE if faults and choice == "error" else 0


def backbone_options(
    spec: BackboneSpec, pairs: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Gives each option of a backbone the type of its default.

    Args:
        spec: The backbone.
        pairs: Names and values as they were written.

    Raises:
        ValueError: For a value of another type than the default's, or an
            option that is given twice.
    """
    options: dict[str, Any] = {}
    for key, word in pairs:
        if key in options:
            raise ValueError(f"The option {key!r} is given more than once.")
        options[key] = _typed(spec, key, word)
    return options


def _typed(spec, key, word):
    value = _value(word)
    default = spec.options.get(key)
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int | float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if fits and isinstance(default, float):
            value = float(value)
    else:
        fits = True
        value = word if isinstance(default, str) else value
    if not fits:
        expected = "True or False" if isinstance(default, bool) else "a number"
        raise ValueError(
            f"The option {key!r} of the backbone {spec.name!r} must be "
            f"{expected}; its default is {default!r}. Received: {word!r}."
        )
    return value


def _value(word):
    lowered = {"true": True, "false": False, "none": None}
    if word.lower() in lowered:
        return lowered[word.lower()]
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Prints a table to stdout.

    Args:
        columns: Headings.
        rows: One value for each column; `None` shows as nothing.
    """
    rows = [["" if v is None else printable(v) for v in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, rows)
    else:
        print(text_table([columns, *rows]))


def _draw(columns, rows):
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, since a class may be called "[red]".
        table.add_row(*map(Text, row))
    Console(file=sys.stdout).print(table)
