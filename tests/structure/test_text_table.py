"""Tables as text and as HTML, and the results that show themselves so."""

import html.parser

import pytest

import keras_transfer as kt
from keras_transfer.structure.text_table import html_table
from keras_transfer.structure.text_table import text_table


class Cells(html.parser.HTMLParser):
    """The texts of a table's cells, and the tags that are open at its end."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_html_holds_the_cells_of_the_text_escaped():
    rows = [("layer", "size"), ("<script>alert(1)</script>", None), ("&", 9)]
    cells = Cells(html_table(rows))
    assert cells.rows == [
        ["layer", "size"],
        ["<script>alert(1)</script>", ""],
        ["&", "9"],
    ]
    assert not cells.open
    assert "<script>" not in html_table(rows)


def results(model):
    schedule = kt.schedules.GradualUnfreeze(every=2)
    return {
        "summary": kt.trainable_summary(model),
        "info": kt.info(model),
        "phases": schedule.describe(model, epochs=6),
    }


@pytest.mark.parametrize("name", ["summary", "info", "phases"])
def test_results_show_themselves_in_a_notebook(tiny_model, name):
    result = results(tiny_model)[name]
    shown = Cells(result._repr_html_())
    assert not shown.open
    assert shown.rows == [
        ["" if cell is None else str(cell) for cell in row]
        for row in result.table_rows()
    ]
    numbers = name != "info"
    assert str(result) == text_table(shown.rows, numbers=numbers)


def test_a_schedule_shows_its_arguments():
    rows = Cells(kt.schedules.GradualUnfreeze(every=2)._repr_html_()).rows
    assert rows[0][0] == "GradualUnfreeze"
    assert ["every", "2"] in rows
