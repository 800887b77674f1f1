import csv

import numpy as np
import pytest
from PIL import Image

from keras_transfer.cli.fit.class_report import draw_history
from keras_transfer.cli.fit.class_report import write_history_csv

HISTORY = {
    "loss": [1.0, 0.1 + 0.2],
    "accuracy": [0.5, 0.75],
    "val_loss": [1.5, 1.25],
    "val_accuracy": [0.5, 1.0],
}


def test_figures_are_written_in_full(tmp_path):
    write_history_csv(tmp_path / "history.csv", HISTORY)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("epoch") for row in rows] == ["1", "2"]
    for name, values in HISTORY.items():
        assert [float(row[name]) for row in rows] == values


@pytest.mark.parametrize("names", [["loss"], ["loss", "accuracy"]])
def test_there_is_a_panel_for_each_figure(tmp_path, names):
    path = tmp_path / "history.png"
    draw_history(path, {name: HISTORY[name] for name in names})
    with Image.open(path) as picture:
        assert picture.width == len(names) * 624


def test_the_kept_epoch_and_odd_titles_are_drawn(tmp_path):
    draw_history(tmp_path / "plain.png", HISTORY)
    draw_history(tmp_path / "kept.png", HISTORY, 1, "$100 {photos} häuser_1$")
    plain, kept = (
        np.asarray(Image.open(tmp_path / f"{name}.png"))
        for name in ("plain", "kept")
    )
    assert plain.shape == kept.shape
    assert (plain != kept).any()
