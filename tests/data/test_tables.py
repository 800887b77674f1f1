"""Photographs with their labels in a table."""

import os
import time

import keras
import numpy as np
import pandas as pd
import pytest

import keras_transfer as kt
from tests.data.photos import photo


@pytest.fixture
def frame(tmp_path):
    """Twelve photographs, whose brightness tells everything of them."""
    rows = []
    for number in range(12):
        dark = number % 2
        photo(
            tmp_path / "photos" / f"{number}.png", value=(200 * dark, number, 0)
        )
        rows.append(
            {
                "file": f"{number}.png",
                "breed": ["010", "9"][dark],
                "tags": ["", "dark", "dark|small"][number % 3],
                "dark": dark,
                "small": int(number % 3 == 2),
                "age": 10.0 + number,
                "weight": 1.0 + dark,
                "patient": f"p{number // 3}",
                "part": ["train", "train", "val", "val", "test", "test"][
                    number % 6
                ],
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture
def read(frame, tmp_path):
    def read(table=None, **options):
        return kt.data.from_table(
            frame if table is None else table,
            images=tmp_path / "photos",
            image_size=4,
            **options,
        )

    return read


def _numbers(dataset):
    return [int(path.rpartition("/")[2][:-4]) for path in dataset.file_paths]


@pytest.mark.parametrize(
    "form", ["csv", "semicolon", "tsv", "parquet", "frame"]
)
def test_classes_of_every_form_of_table(frame, read, tmp_path, form):
    path = tmp_path / f"labels.{'csv' if form == 'semicolon' else form}"
    if form == "parquet":
        frame.to_parquet(path)
    elif form != "frame":
        mark = {"csv": ",", "semicolon": ";", "tsv": "\t"}[form]
        frame.to_csv(path, sep=mark, index=False)
    train, validation = read(frame if form == "frame" else path, label="breed")
    # As text, in natural order: 9 comes before 010.
    assert train.class_names == validation.class_names == ["9", "010"]
    assert train.task == "classification"
    assert train.targets is None
    for part in (train, validation):
        assert part.labels.tolist() == [1 - n % 2 for n in _numbers(part)]


def test_several_labels_as_columns_or_in_one(read):
    columns, _ = read(labels=["dark", "small"], split="part")
    assert columns.task == "multi_label"
    one, _ = read(labels="tags", separator="|", split="part")
    assert one.class_names == columns.class_names == ["dark", "small"]
    for image, label in columns.unbatch():
        assert label.numpy()[0] == (image.numpy()[..., 0].max() > 0)
    by_number = dict(zip(_numbers(one), one.labels.tolist(), strict=True))
    assert by_number == {0: [0, 0], 1: [1, 0], 6: [0, 0], 7: [1, 0]}
    assert [1, 1] in one.test.labels.tolist() + columns.test.labels.tolist()


def test_numbers_are_scaled_by_the_training_rows(read, frame):
    train, validation = read(target="age", split="part", units={"age": "years"})
    known = frame.age[frame.part == "train"]
    assert train.targets == {
        "names": ["age"],
        "units": ["years"],
        "mean": [pytest.approx(known.mean())],
        "std": [pytest.approx(known.std(ddof=0))],
    }
    for part in (train, validation, train.test):
        restored = part.labels * known.std(ddof=0) + known.mean()
        expected = [[10.0 + number] for number in _numbers(part)]
        np.testing.assert_allclose(restored, expected, rtol=1e-5)
    assert train.labels.dtype == "float32"


def test_parts_and_weights(read):
    train, validation = read(label="breed", split="part", weight="weight")
    assert _numbers(validation) == [2, 3, 8, 9]
    assert _numbers(train.test) == [4, 5, 10, 11]
    for _, label, weight in train.unbatch():
        assert weight.numpy() == 2 - label.numpy()


def test_groups_stay_on_one_side(read):
    train, validation = read(label="breed", group="patient")
    sides = [{n // 3 for n in _numbers(part)} for part in (train, validation)]
    assert sides[1]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize("options", [{"cache": "auto"}, {"cache": False}])
@pytest.mark.parametrize("task", ["multi_label", "regression", "weighted"])
def test_models_are_trained_on_tables(
    read, tmp_path, tiny_backbone, task, options
):
    given = {
        "multi_label": {"labels": ["dark", "small"]},
        "regression": {"target": "age"},
        "weighted": {"label": "breed", "weight": "weight"},
    }[task]
    train, validation = read(**given)
    count = 1 if train.class_names is None else len(train.class_names)
    head = kt.heads.LinearHead(count, task=train.task)
    model = kt.build_model(
        tiny_backbone((4, 4, 3)), head, class_names=train.class_names,
        targets=train.targets,
    )  # fmt: skip
    kt.freeze(model)
    kt.compile_for_transfer(model, learning_rate=0.01)
    history = kt.fit(
        model, train, validation_data=validation, epochs=3, verbose=0,
        **options,
    )  # fmt: skip
    assert history.history["loss"][-1] < history.history["loss"][0]
    name = {"multi_label": "val_f1", "regression": "val_mae"}
    assert name.get(task, "val_accuracy") in history.history
    if task == "regression":
        keras.utils.set_random_seed(0)
        assert kt.info(model).task["targets"]["names"] == ["age"]


def test_files_are_found_without_extension_or_folder(frame, read, tmp_path):
    folder = tmp_path / "photos"
    (folder / "part_2").mkdir()
    (folder / "7.png").rename(folder / "part_2" / "7.png")
    frame["file"] = [name[:-4] for name in frame["file"]]
    train, validation = read(label="breed")
    assert sorted(_numbers(train) + _numbers(validation)) == [*range(12)]


WRONG = {
    "no column": ({"label": "brede"}, r"no column 'brede'.*Did you mean"),
    "no image column": (
        {"label": "breed", "image": "path"},
        "no column 'path'.* 'file' holds names of images: pass image='file'",
    ),
    "nothing to learn": ({}, "Expected one of label=.*none of them"),
    "two things to learn": (
        {"label": "breed", "target": "age"},
        "Expected one of label=",
    ),
    "one column of labels": (
        {"labels": "tags"},
        r"'tags', which holds '\|'.*separator='\|'",
    ),
    "text as numbers": (
        {"target": "patient"},
        r"is no number in row 2 \('p0'\)",
    ),
    "numbers as labels": ({"labels": ["dark", "age"]}, "is neither 0 nor 1"),
    "no part": (
        {"label": "breed", "split": "patient"},
        "'p0', which is no part",
    ),
    "unknown unit": (
        {"target": "age", "units": {"Age": "years"}},
        "'Age', which is no target",
    ),
    "separator of classes": (
        {"label": "breed", "separator": "|"},
        "separator= is for labels= of one column",
    ),
    "other classes": (
        {"label": "breed", "class_names": ["9", "10"]},
        "differ in",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_one_sentence(read, name):
    options, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        read(**options)


def test_rows_that_cannot_be_used_are_named(frame, read):
    frame.loc[3, "breed"] = ""
    with pytest.raises(ValueError, match=r"is empty in row 5 \(''\)"):
        read(label="breed")
    frame.loc[3, "breed"] = "9"
    frame.loc[[4, 6], "file"] = ["gone.png", "away.png"]
    with pytest.raises(
        ValueError, match=r"no image in .* row 6 \('gone.png'\)"
    ):
        read(label="breed")
    frame.loc[[4, 6], "file"] = "1.png"
    with pytest.raises(ValueError, match="stands in another row, too in row 6"):
        read(label="breed")


def test_a_target_that_never_changes_is_refused(frame, read):
    frame["age"] = 7
    with pytest.raises(ValueError, match="'age' is the same for all training"):
        read(target="age", check=False)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("x.csv", None, "There is no table"),
        ("x.xlsx", b"PK", "Expected a .csv, .tsv or .parquet"),
        ("x.parquet", b"PAR0", "cannot be read as a table"),
        ("x.csv", b"file,breed\n", "has no row"),
        ("x.csv", b"", "cannot be read as a table"),
    ],
)
def test_files_that_are_no_table(read, tmp_path, name, contents, message):
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / name, label="breed")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_hundred_thousand_rows_are_listed_quickly(tmp_path, form):
    # The files share two inodes, since what is measured is the listing.
    folder = tmp_path / "photos"
    two = [photo(folder / f"{name}.png") for name in ("a", "b")]
    count = 100_000
    names = [f"{number:06}.png" for number in range(count)]
    for number, name in enumerate(names):
        os.symlink(two[number % 2], folder / name)
    table = pd.DataFrame({"file": names, "breed": ["a", "b"] * (count // 2)})
    path = tmp_path / f"labels.{form}"
    table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path)
    from keras_transfer.data.table_files import read_table

    start = time.process_time()
    columns = read_table(path)
    files = columns.files("file", folder)
    labels = columns.texts("breed")
    # Issued 5 seconds; it takes less than one.
    assert time.process_time() - start < 5
    assert len(files) == len(labels) == count


def test_a_file_of_another_folder_is_another_file(frame, read, tmp_path):
    """`a/7.png` is not `b/7.png`, though there is but one `7.png`."""
    frame["file"] = [f"photos/{name}" for name in frame["file"]]
    train, validation = read(label="breed")  # Named from further above.
    assert sorted(_numbers(train) + _numbers(validation)) == [*range(12)]
    frame["file"] = [name.replace("photos", "others") for name in frame["file"]]
    with pytest.raises(
        ValueError, match=r"is no image in .*'others/0.png'.* and 9 more"
    ):
        read(label="breed")
