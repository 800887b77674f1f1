"""Tables as plain text, in aligned columns."""

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
