"""The table of what was measured: only what came to an end is in it."""

import csv
import json

from keras_transfer_kecam.development import survey

MEASURED = {
    "minimum_size": 64,
    "output": "2x2x8",
    "parameters": 10,
    "classes": ["kecam.a>B", "kecam.c>D"],
    "stages": [["stem", "x"], ["stage_1", "y"]],
}


def written(tmp_path, monkeypatch, **found):
    for name, row in found.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(row))
    table = tmp_path / "results.csv"
    monkeypatch.setattr(survey, "TARGET", table)
    survey.write(tmp_path)
    with table.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_states_tell_what_was_found(tmp_path, monkeypatch):
    rows = written(
        tmp_path,
        monkeypatch,
        davit_t={**MEASURED, "round_trip": "bit-equal"},
        davit_s={**MEASURED, "round_trip": "differs by 1e-3"},
        davit_b={"reason": "no such operation"},
        davit_g={"state": "too large", "reason": "too many"},
        davit_l=MEASURED,  # Saved, not loaded yet.
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
