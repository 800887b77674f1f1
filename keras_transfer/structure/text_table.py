"""Tables in aligned columns: plain text, and HTML for notebooks."""

import html
import io
from collections.abc import Iterable
from collections.abc import Sequence


def text_table(rows: Iterable[Sequence[object]], numbers: bool = False) -> str:
    """Returns rows as aligned columns, two spaces apart.

    Args:
        rows: One value for each column; `None` shows as nothing. Headings are
            a row like the others.
        numbers: Whether all columns but the first are aligned to the right.
            Defaults to `False`.

    Example:
    >>> print(text_table([("layer", "size"), ("conv", 9)], numbers=True))
    layer  size
    conv      9
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), pad_edge=False)
    for row in rows:
        cells = [Text("" if cell is None else str(cell)) for cell in row]
        if not table.columns:
            for number, _ in enumerate(cells):
                is_number = numbers and number > 0
                table.add_column(
                    justify="right" if is_number else "left", no_wrap=True
                )
        table.add_row(*cells)
    text = io.StringIO()
    # Wide enough that nothing is cut, whatever the terminal.
    Console(file=text, width=1 << 20, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


class Table:
    """Mixin of results that are tables: printed, or shown by a notebook.

    Whoever has it writes `table_rows`.
    """

    # Whether the first row holds headings, and numbers stand below it.
    _has_heading = True

    def table_rows(self) -> list[Sequence[object]]:
        """Returns one value for each column of each row."""
        raise NotImplementedError

    def __str__(self):
        return text_table(self.table_rows(), numbers=self._has_heading)

    def _repr_html_(self):
        return html_table(self.table_rows(), self._has_heading)


def html_table(
    rows: Iterable[Sequence[object]], has_heading: bool = True
) -> str:
    """Returns rows as a table of HTML, every cell escaped.

    Args:
        rows: One value for each column; `None` shows as nothing.
        has_heading: Whether the first row holds headings, below which numbers
            are aligned to the right in all columns but the first. Defaults
            to `True`.

    Example:
    >>> print(html_table([("layer", "size"), ("a<b", 9)]))
    <table>
    <tr><th style="text-align: left">layer</th><th>size</th></tr>
    <tr><td style="text-align: left">a&lt;b</td><td>9</td></tr>
    </table>
    """
    lines = ["<table>"]
    for place, row in enumerate(rows):
        kind = "th" if has_heading and place == 0 else "td"
        cells = []
        for column, cell in enumerate(row):
            is_left = column == 0 or not has_heading
            style = ' style="text-align: left"' if is_left else ""
            text = "" if cell is None else html.escape(str(cell))
            cells.append(f"<{kind}{style}>{text}</{kind}>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</table>"])
