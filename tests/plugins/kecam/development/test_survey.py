"""The table of what was measured: only what came to an end is in it."""

import csv
import json

import pytest
from keras_transfer_kecam.development import survey

MEASURED = {
    "minimum_size": 64,
    "output": "2x2x8",
    "parameters": 10,
    "classes": ["kecam.a>B", "kecam.c>D"],
    "stages": [["stem", "x"], ["stage_1", "y"]],
}


def surveyed(tmp_path, monkeypatch, measured_before=(), **found):
    """Returns the table after a survey of what a folder holds already."""
    names = [*(row["name"] for row in measured_before), *found]
    for name, row in found.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(row))
    table = tmp_path / "results.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, survey.COLUMNS)
        writer.writeheader()
        writer.writerows(measured_before)
    monkeypatch.setattr(survey, "TARGET", table)
    monkeypatch.setattr(survey, "_order", lambda: names)
    survey.main(tmp_path)
    with table.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_states_tell_what_was_found(tmp_path, monkeypatch):
    rows = surveyed(
        tmp_path,
        monkeypatch,
        davit_t={**MEASURED, "round_trip": "bit-equal"},
        davit_s={**MEASURED, "round_trip": "differs by 1e-3"},
        davit_b={"reason": "no such operation"},
        davit_g={"state": "too large", "reason": "too many"},
    )
    assert {name: row["state"] for name, row in rows.items()} == {
        "davit_t": "works",
        "davit_s": "fails",
        "davit_b": "fails",
        "davit_g": "too large",
    }
    assert rows["davit_t"]["classes"] == "kecam.a>B kecam.c>D"
    assert rows["davit_t"]["stages"] == "stem=x stage_1=y"
    assert rows["davit_s"]["reason"] == "differs by 1e-3"
    assert rows["davit_s"]["round_trip"] == ""


def test_a_survey_goes_on_from_its_table_without_its_folder(
    tmp_path, monkeypatch
):
    before = {"name": "aotnet50", "state": "works", "parameters": "123"}
    rows = surveyed(
        tmp_path,
        monkeypatch,
        measured_before=[before],
        davit_t={**MEASURED, "round_trip": "bit-equal"},
    )
    assert list(rows) == ["aotnet50", "davit_t"]
    assert rows["aotnet50"]["parameters"] == "123"


@pytest.mark.slow
def test_a_model_that_was_only_saved_is_measured_again(tmp_path, monkeypatch):
    rows = surveyed(tmp_path, monkeypatch, lcnet_050=MEASURED)
    assert rows["lcnet_050"]["round_trip"] == "bit-equal"
    assert rows["lcnet_050"]["parameters"] != "10"
    assert not list(tmp_path.glob("lcnet_050.[kn]*"))  # .keras, .npz
