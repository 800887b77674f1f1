import csv
import io
import json
import sys

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main


@pytest.fixture
def model(fit, tmp_path):
    fit("--learning-rate=0.05", epochs=1)
    return kt.load_model(tmp_path / "model.keras")


def expected(model, paths):
    pixels = np.stack([kt.data.load_image(path, 16) for path in paths])
    return model.predict(pixels, verbose=0)


def test_json_agrees_exactly_with_the_model(run, model, photos):
    code, out, err = run("predict", "model.keras", photos, "--top=2", "--json")
    assert (code, err) == (0, "")
    records = json.loads(out)
    paths = kt.data.list_images(photos)
    assert [record["image"] for record in records] == list(map(str, paths))
    for record, row in zip(records, expected(model, paths), strict=True):
        found = {c["class"]: c["probability"] for c in record["classes"]}
        assert found == {"day": float(row[0]), "night": float(row[1])}
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_single_photograph_agrees_exactly(run, model, photos):
    path = photos / "night" / "7.png"
    _, out, _ = run("predict", "model.keras", path, "--csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["image"] == str(path)
    assert row["rank"] == "1"
    assert float(row["probability"]) == expected(model, [path]).max()


def test_text_is_a_line_for_each_photograph(run, model, photos):
    paths = [photos / "day" / "1.png", photos / "night" / "1.png"]
    code, out, _ = run("predict", "model.keras", *paths, "--top", 5)
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [line[0] for line in lines] == list(map(str, paths))
    assert all(set(line[1::2]) == {"day", "night"} for line in lines)
    assert all(
        sum(map(float, line[2::2])) == pytest.approx(1, abs=2e-4)
        for line in lines
    )


@pytest.mark.parametrize("number", [31, 32, 33, 70])
def test_batches_leave_nothing_out(run, model, photos, number):
    paths = [photos / "day" / f"{i % 12}.png" for i in range(number)]
    code, out, _ = run("predict", "model.keras", *paths)
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == [
        str(path) for path in paths
    ]


def test_a_corrupt_photograph_is_named_the_others_predicted(run, model, photos):
    (photos / "day" / "3.png").write_bytes(b"\x89PNG not really")
    code, out, err = run("predict", "model.keras", photos)
    assert code == 1
    assert err.count("\n") == 1
    assert "day/3.png" in err
    assert len(out.splitlines()) == 23
    assert "day/3.png" not in out
    code, out, _ = run("predict", "model.keras", photos, "--json")
    assert code == 1
    faulty = [record for record in json.loads(out) if "error" in record]
    assert [record["image"] for record in faulty] == [
        str(photos / "day" / "3.png")
    ]


def test_only_corrupt_photographs_are_no_crash(run, model, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    code, out, err = run("predict", "model.keras", "a.jpg")
    assert (code, out) == (1, "")
    assert err == "keras-transfer: a.jpg: the file is empty\n"


def test_an_exported_file_predicts_as_the_model_does(run, model, photos):
    pytest.importorskip("ai_edge_litert")
    assert run("export", "model.keras", "model.tflite")[0] == 0
    tables = []
    for name in ("model.keras", "model.tflite"):
        code, out, _ = run("predict", name, photos, "--csv")
        assert code == 0
        tables.append(list(csv.DictReader(io.StringIO(out))))
    for one, other in zip(*tables, strict=True):
        assert (one["image"], one["class"]) == (other["image"], other["class"])
        assert float(one["probability"]) == pytest.approx(
            float(other["probability"]), abs=1e-3
        )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.keras", "photos"], "There is no model file 'none.keras'."),
        (["photos/day/1.png", "photos"], "is not a model file: expected"),
        (["model.keras", "fotos"], "There is no file or folder fotos"),
        (["model.keras", "photos", "--top=0"], "whole number of at least 1"),
        (["model.keras", "photos", "--csv", "--json"], "not allowed with"),
        (["model.keras"], "arguments are required"),
    ],
)
def test_a_wrong_argument_is_one_sentence(run, photos, words, sentence):
    code, out, err = run("predict", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp1252", "日本.png"), ("ascii", "é.png")]
)
def test_names_that_the_output_cannot_hold_are_escaped(
    run, model, photos, monkeypatch, encoding, name
):
    path = photos / "day" / "1.png"
    odd = path.with_name(name)
    odd.write_bytes(path.read_bytes())
    for format in ("--json", "--csv"):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            code = main(["predict", "model.keras", str(path), str(odd), format])
            stream.flush()
        text = raw.getvalue().decode(encoding)
        assert code == 0
        assert text.count(".png") == 2
        if format == "--json":
            assert json.loads(text)[1]["image"] == str(odd)
