"""What `fit` says of tables, in its own words."""

import numpy as np
import pandas as pd
import pytest

import keras_transfer as kt


@pytest.fixture
def frame(photos):
    rows = [
        {
            "path": path.relative_to(photos).as_posix(),
            "time": path.parent.name,
            "tags": ["odd", "odd|first"][path.stem < "5"],
            "camera": f"c{int(path.stem) // 3}",
            "level": float(path.stem),
        }
        for path in sorted(photos.rglob("*.png"))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def fit_table(run, frame, photos, tmp_path):
    """Runs `fit` on the table, which may be changed before."""

    def fit_table(*words, changed=frame, image="--image-column=path", epochs=1):
        changed.to_csv(tmp_path / "labels.csv", index=False)
        return run(
            "fit",
            "labels.csv",
            f"--images={photos}",
            "--backbone=test/tiny",
            "--weights=none",
            f"--epochs={epochs}",
            *([image] if image else []),
            *words,
        )

    return fit_table


def test_columns_that_are_not_said_are_asked_for(fit_table):
    code, _, err = fit_table("--label=time", image=None)
    assert code == 2
    assert "--image-column" in err
    assert "'path' looks like it" in err
    assert "path, time, tags, camera, level" in err
    code, _, err = fit_table()
    assert code == 2
    assert "--label COLUMN (the class)" in err
    assert "--target" in err
    assert "time, tags, camera, level" in err
    code, _, err = fit_table("--label=time", "--target=level")
    assert code == 2
    assert "Received: --label and --target" in err


MISTAKES = {
    "class": (["--label=tyme"], "--label names", "'time'"),
    "labels": (["--labels=tags,tagz"], "--labels names", "'tags'"),
    "target": (["--target=levels"], "--target names", "'level'"),
    "split": (["--label=time", "--split-column=x"], "--split-column", "camera"),
    "group": (["--label=time", "--group=cameras"], "--group", "'camera'"),
    "weight": (["--label=time", "--weight=x"], "--weight", "level"),
    "separator": (["--labels=tags"], "--separator", "several columns"),
    "text": (["--target=camera"], "is no number", "row 2 ('c0')"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_options(fit_table, tmp_path, name):
    words, *expected = MISTAKES[name]
    code, _, err = fit_table(*words)
    assert code == 2
    for text in expected:
        assert text in err
    assert "separator=" not in err
    assert not (tmp_path / "model.keras").exists()


def test_missing_files_are_counted_and_named(fit_table, frame):
    wrong = frame.assign(path=frame["path"].str.replace("day", "noon"))
    code, _, err = fit_table("--label=time", changed=wrong)
    assert code == 2
    assert "'noon/0.png'" in err
    assert "and 9 more" in err


def test_bad_files_are_left_out_where_told(fit_table, photos):
    (photos / "day" / "3.png").write_bytes(b"no image")
    code, _, err = fit_table("--label=time")
    assert code == 2
    assert "--bad-files skip" in err.replace('"', "")
    code, out, err = fit_table("--label=time", "--bad-files=skip")
    assert code == 0
    assert "Left out 1 file" in err


def test_labels_of_one_column_and_groups(fit_table, frame, photos, tmp_path):
    code, out, err = fit_table(
        "--labels=tags", "--separator=|", "--group=camera"
    )
    assert (code, err) == (0, "")
    assert "of 2 labels: first, odd" in out
    model = kt.load_model(tmp_path / "model.keras")
    assert kt.info(model).task["kind"] == "multi_label"
    assert kt.info(model).class_names == ["first", "odd"]


def test_numbers_are_predicted_in_their_units(fit_table, run, photos, tmp_path):
    code, out, err = fit_table("--target=level")
    assert (code, err) == (0, "")
    targets = kt.info(kt.load_model(tmp_path / "model.keras")).task["targets"]
    train, _ = kt.data.from_table(
        tmp_path / "labels.csv",
        images=photos,
        image="path",
        target="level",
        image_size=16,
    )
    # The numbers that `fit` trained on, and what the data set says of them.
    assert train.catalogue.task == {"kind": "regression", "targets": targets}
    numbers = train.labels[:, 0] * targets["std"][0] + targets["mean"][0]
    stems = [float(path.rsplit("/", 1)[-1][:-4]) for path in train.file_paths]
    np.testing.assert_allclose(numbers, stems, atol=1e-5)
    code, out, _ = run("predict", "model.keras", photos / "day" / "0.png")
    assert code == 0
    assert "level" in out
