"""Tables: drawn on a terminal, plain columns where output is piped."""

import sys
from collections.abc import Iterable
from collections.abc import Sequence

from keras_transfer.names import printable
from keras_transfer.structure.text_table import text_table


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
