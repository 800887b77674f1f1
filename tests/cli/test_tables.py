import io
import sys

import pytest

from keras_transfer.cli.words import print_table


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def drawn(monkeypatch):
    """Prints a table on a terminal of 60 columns; returns what is there."""

    def drawn(columns, rows):
        terminal = Terminal()
        monkeypatch.setenv("COLUMNS", "60")
        # Not before: pytest puts its own in place when a test starts.
        monkeypatch.setattr(sys, "stdout", terminal)
        print_table(columns, rows)
        return terminal.getvalue()

    return drawn


def test_piped_tables_are_plain_columns(capsys):
    print_table(("name", "n"), [("a", 10), ("long name", None)])
    assert capsys.readouterr().out == "name       n\na          10\nlong name\n"


def test_on_a_terminal_tables_are_drawn(drawn):
    table = drawn(("name", "n"), [("[red]ant", 1)])
    assert "───" in table
    assert "[red]ant" in table


def test_long_names_are_folded_rather_than_cut(drawn):
    assert drawn(("name", "n"), [("x" * 100, 1)]).count("x") == 100
