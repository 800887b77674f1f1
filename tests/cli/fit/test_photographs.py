"""Photographs of `fit`: folders of parts, names of files, tables."""

import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_transfer as kt


@pytest.fixture
def parts(photos, tmp_path):
    """The photographs in three folders; returns the options that name them."""
    for name in ("day", "night"):
        for number in range(12):
            part = ["train", "train", "val", "test"][number % 4]
            target = tmp_path / "parts" / f"my_{part}" / name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(photos / name / f"{number}.png", target)
    return tmp_path / "parts"


def test_the_test_part_is_judged_once_at_the_end(fit, parts, tmp_path):
    code, out, err = fit("--learning-rate=0.05", folder=parts, epochs=6)
    assert (code, err) == (0, "")
    assert "12 training, 6 validation and 6 test images of 2 classes" in out
    model = kt.load_model(tmp_path / "model.keras")
    train, _ = kt.data.from_directory(parts, image_size=16)
    right = model.predict(train.test, verbose=0).argmax(-1) == train.test.labels
    line = next(x for x in out.splitlines() if x.startswith("test accuracy"))
    assert line.endswith(f"{right.mean():.3f} ({right.sum()} of 6)")


def test_parts_may_be_named_one_by_one(run, parts):
    code, out, err = run(
        "fit",
        f"--train={parts / 'my_train'}",
        f"--val={parts / 'my_val'}",
        "--backbone=test/tiny",
        "--weights=none",
        "--epochs=1",
    )
    assert (code, err) == (0, "")
    assert "12 training and 6 validation images" in out


def test_the_whole_folder_without_validation(fit, tmp_path):
    code, out, err = fit("--validation-split=0")
    assert (code, err) == (0, "")
    assert "24 training images of 2 classes" in out
    assert "validation accuracy" not in out
    assert kt.load_model(tmp_path / "model.keras") is not None


def test_labels_in_the_names_of_files(fit, photos, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in sorted(photos.rglob("*.png")):
        shutil.copy(path, flat / f"{path.parent.name}_{path.name}")
    pattern = r"--label-from-name=(?P<label>[a-z]+)_\d+\.png"
    code, out, err = fit(pattern, folder=flat, epochs=1)
    assert (code, err) == (0, "")
    assert "of 2 classes: day, night" in out


@pytest.fixture
def table(photos, tmp_path):
    """A table of the photographs with all kinds of labels."""
    rows = []
    for path in sorted(photos.rglob("*.png")):
        pixels = np.asarray(Image.open(path)).astype(float)
        rows.append(
            {
                "file": path.relative_to(photos).as_posix(),
                "time": path.parent.name,
                "bright": int(pixels.mean() > 128),
                "even": int(path.stem) % 2,
                "brightness": pixels.mean(),
                "part": "test" if int(path.stem) > 9 else "train",
            }
        )
    path = tmp_path / "labels.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("words", "kind", "figures"),
    [
        (["--label=time"], "classification", ["validation accuracy"]),
        (["--labels=bright,even"], "multi_label", ["validation F1", "test F1"]),
        (
            ["--target=brightness"],
            "regression",
            ["validation R2", "test mean error of brightness"],
        ),
    ],
)
def test_tables_of_every_kind(
    fit, table, photos, tmp_path, words, kind, figures
):
    code, out, err = fit(
        f"--images={photos}", *words, "--split-column=part", folder=table
    )
    assert (code, err) == (0, "")
    assert "4 test images" in out
    for figure in figures:
        assert figure in out
    model = kt.load_model(tmp_path / "model.keras")
    assert (kt.info(model).task or {"kind": "classification"})["kind"] == kind
    assert (tmp_path / "model_history.png").stat().st_size > 1000
    if kind == "regression":
        assert kt.info(model).task["targets"]["names"] == ["brightness"]


WRONG = {
    "nothing": ([], "Expected one folder of photographs"),
    "options of tables": (["photos", "--label=time"], "--label is for a table"),
    "options of folders": (
        ["labels.csv", "--test=photos"],
        "--test is for a folder of photographs",
    ),
    "no column named": (
        ["labels.csv", "--images=photos"],
        "Say what is to be learned",
    ),
    "no such column": (
        ["labels.csv", "--images=photos", "--label=tine"],
        "'time'",
    ),
    "model among the photographs": (
        [
            "labels.csv",
            "--images=photos",
            "--label=time",
            "--out=photos/m.keras",
        ],
        "would lie among the photographs",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_said_first(run, table, tmp_path, name):
    words, message = WRONG[name]
    code, out, err = run(
        "fit", *words, "--backbone=test/tiny", "--weights=none", "--epochs=1"
    )
    assert code == 2
    assert message in err
    assert not list(pathlib.Path(tmp_path).glob("*.keras"))
