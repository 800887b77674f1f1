import csv
import shutil

import html5lib
import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.data.copies import copies_of
from keras_transfer.evaluation.duplicates import nearest_earlier
from keras_transfer.evaluation.suspects import outliers
from keras_transfer.evaluation.suspects import wrong_labels


def photograph(path, seed, side=64):
    """Smooth blobs, as hashes of noise say nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), "uint8"))
    small.resize((side, side), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two splits with two classes of six photographs each."""
    for number in range(24):
        split = "train" if number % 2 else "val"
        name = "ants" if number % 4 < 2 else "bees"
        path = tmp_path / "photos" / split / name / f"{number:02}.png"
        photograph(path, number)
    return tmp_path / "photos"


def pairs(found, problem):
    return {
        (each.file, each.partner)
        for each in found.findings
        if each.problem == problem
    }


def test_nothing_is_found_among_different_photographs(folder):
    found = kt.audit(folder)
    assert found.is_clean
    assert "takes a network" in found.notes[0]
    assert "Nothing was found" in found.html()


def test_copies_across_splits_come_first(folder):
    shutil.copy(folder / "train/ants/01.png", folder / "val/bees/copy.png")
    shutil.copy(folder / "train/ants/05.png", folder / "train/ants/twice.png")
    found = kt.audit(folder)
    assert [each.problem for each in found.findings] == [
        "exact_copy_across_splits",
        "exact_copy",
    ]
    assert pairs(found, "exact_copy_across_splits") == {
        ("val/bees/copy.png", "train/ants/01.png")
    }
    assert pairs(found, "exact_copy") == {
        ("train/ants/twice.png", "train/ants/05.png")
    }
    assert found.count("exact_copy") == 1
    with pytest.raises(ValueError, match="Expected one of"):
        found.count("copies")


def test_a_copy_of_two_splits_among_copies_of_one_is_seen(folder):
    for name in ("train/ants/a.png", "val/ants/b.png", "val/ants/c.png"):
        shutil.copy(folder / "train/ants/01.png", folder / name)
    found = kt.audit(folder)
    assert found.count("exact_copy_across_splits") == 2
    assert found.count("exact_copy") == 1


def test_near_copies_are_found_mirrored_and_smaller(folder):
    with Image.open(folder / "train/bees/03.png") as image:
        image.resize((40, 40)).save(folder / "val/bees/small.jpg", quality=70)
        turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turned.save(folder / "train/bees/turned.png")
    found = kt.audit(folder)
    assert pairs(found, "near_copy_across_splits") == {
        ("val/bees/small.jpg", "train/bees/03.png")
    }
    assert pairs(found, "near_copy") == {
        ("train/bees/turned.png", "train/bees/03.png")
    }
    assert all(0.85 < each.score <= 1 for each in found.findings)


def test_blank_images_are_no_copies_of_each_other(folder):
    for name, level in (("white", 255), ("black", 0)):
        pixels = np.full((32, 32, 3), level, "uint8")
        Image.fromarray(pixels).save(folder / f"train/ants/{name}.png")
    found = kt.audit(folder)
    assert [each.problem for each in found.findings] == ["blank", "blank"]


def test_groups_that_cross_splits_are_found_by_a_pattern(folder):
    found = kt.audit(folder, group=r"/0(\d)\.png$")
    assert found.is_clean
    found = kt.audit(folder, group=r"(\d)\d\.png$")
    assert found.count("group_across_splits") == 12
    assert kt.audit(folder, group=lambda path: path[-6]).findings == (
        found.findings
    )
    with pytest.raises(ValueError, match="found in no path"):
        kt.audit(folder, group="patient")
    with pytest.raises(ValueError, match="a value for each of 24"):
        kt.audit(folder, group=[1, 2])
    # The larger part of each group decides where all of it goes.
    splits = {}
    for file, _, split in found.fixed():
        splits.setdefault(file[-6], set()).add(split)
    assert all(len(each) == 1 for each in splits.values())


def test_unreadable_files_are_named(folder):
    (folder / "train/ants/bad.png").write_bytes(b"no image")
    found = kt.audit(folder)
    assert found.count("unreadable") == 1
    assert "train/ants/bad.png" not in dict(
        (file, label) for file, label, _ in found.fixed()
    )


def test_uneven_classes_are_told(tmp_path):
    for number in range(12):
        name = "ants" if number else "bees"
        photograph(tmp_path / name / f"{number}.png", number)
    notes = kt.audit(tmp_path).notes
    assert "11 photographs of 'ants', 1 of 'bees'" in notes[0]


def test_the_fixed_table_keeps_held_out_copies_and_touches_no_file(
    folder, tmp_path
):
    shutil.copy(folder / "train/ants/01.png", folder / "val/ants/copy.png")
    shutil.copy(folder / "train/ants/05.png", folder / "train/ants/twice.png")
    # Nobody knows which of the two labels is right.
    shutil.copy(folder / "train/bees/03.png", folder / "train/ants/other.png")
    before = sorted(folder.rglob("*.png"))
    found = kt.audit(folder)
    found.write_fixed(tmp_path / "clean.csv")
    with open(tmp_path / "clean.csv", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert sorted(folder.rglob("*.png")) == before
    gone = {str(p.relative_to(folder)) for p in before} - set(rows)
    assert gone == {
        "train/ants/01.png",
        "train/ants/twice.png",
        "train/bees/03.png",
        "train/ants/other.png",
    }
    assert rows["val/ants/copy.png"]["label"] == "ants"
    assert rows["val/ants/copy.png"]["split"] == "validation"


def test_what_was_found_is_a_csv_file_and_a_page(folder, tmp_path):
    shutil.copy(folder / "train/ants/01.png", folder / "val/ants/copy.png")
    found = kt.audit(folder)
    found.write_csv(tmp_path / "found.csv")
    with open(tmp_path / "found.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "file": "val/ants/copy.png",
        "problem": "exact_copy_across_splits",
        "partner": "train/ants/01.png",
        "score": "1.0000",
    }
    text = found.html(tmp_path / "page.html")
    html5lib.HTMLParser(strict=True).parse(text)
    assert text.count("<img") == 2
    html5lib.HTMLParser(strict=True).parseFragment(found._repr_html_())


def test_data_sets_are_audited_as_folders_are(folder):
    shutil.copy(folder / "train/ants/01.png", folder / "val/ants/copy.png")
    with pytest.warns(UserWarning, match="1 held-out photographs are byte"):
        parts = kt.data.from_directory(folder, image_size=16)
    found = kt.data.audit(parts)
    assert found.count("exact_copy_across_splits") == 1


def test_wrong_labels_are_found_where_features_tell_them():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    features = rng.normal(0, 1, (200, 5)) + 3 * labels[:, None]
    given, wrong = labels.copy(), rng.choice(200, 10, replace=False)
    given[wrong] = 1 - given[wrong]
    found = wrong_labels(features, given)
    assert len(set(found) & set(wrong)) >= 8
    assert len(set(found) - set(wrong)) <= 2
    for row in set(found) & set(wrong):
        likely, probability = found[row]
        assert likely == labels[row]
        assert probability < 0.5


def test_labels_of_a_class_of_one_are_not_judged():
    features = np.random.default_rng(0).normal(size=(5, 3))
    assert wrong_labels(features, np.array([0, 0, 0, 0, 1])) == {}


def test_an_outlier_is_far_from_all():
    rng = np.random.default_rng(0)
    features = rng.normal(1, 0.1, (50, 8))
    features[7] *= -1
    found = outliers(features)
    assert list(found)[0] == 7
    assert found[7] > 1.5
    assert len(found) <= 3


def test_pairs_are_the_same_whatever_the_blocks(monkeypatch):
    from keras_transfer.evaluation import duplicates

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4)).astype("float32")
    parts = rng.integers(0, 2, 60)
    for given in (None, parts):
        product = rows @ rows.T
        later = np.arange(60)[None] >= np.arange(60)[:, None]
        product[later] = -np.inf
        if given is not None:
            product[given[None] == given[:, None]] = -np.inf
        expected = np.where(product.max(1) >= 1, product.argmax(1), -1).tolist()
        for size in (1024, 7):
            monkeypatch.setattr(duplicates, "_ROWS", size)
            assert nearest_earlier(rows, rows, 1, given)[0].tolist() == expected


def test_only_files_of_one_size_are_read(tmp_path):
    for name, data in {"a": b"xx", "b": b"xx", "c": b"xy", "d": b"x"}.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in "abcd"] + [tmp_path / "none"]
    assert copies_of(paths) == {1: 0}


def test_the_extra_is_named_where_it_is_missing(folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(ImportError, match=r"keras-transfer\[audit\]"):
        kt.audit(folder)
