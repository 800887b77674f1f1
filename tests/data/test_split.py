"""Photographs divided into those to train and those to validate on."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.data.copies import exact_copies
from keras_transfer.data.splitting import Samples
from keras_transfer.data.splitting import divide
from tests.data.photos import class_folders
from tests.data.photos import photo


def _samples(groups=None, **counts):
    paths = [
        Path(name, f"{i:03}.png")
        for name, count in counts.items()
        for i in range(count)
    ]
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    return Samples(paths, labels.astype("int32"), groups)


def _counts(samples, classes):
    return np.bincount(samples.labels, minlength=classes).tolist()


def test_every_class_is_divided_in_the_same_proportion():
    train, validation = divide(_samples(a=100, b=20), 0.2, seed=0)
    assert _counts(validation, 2) == [20, 4]
    assert _counts(train, 2) == [80, 16]


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_small_classes_are_on_both_sides(fraction):
    train, validation = divide(_samples(a=2, b=3), fraction, seed=0)
    assert all(_counts(train, 2))
    assert all(_counts(validation, 2))


def test_a_single_image_is_for_training():
    train, validation = divide(_samples(a=1), 0.9, seed=0)
    assert (len(train), len(validation)) == (1, 0)


def test_the_seed_decides_the_draw():
    samples = _samples(a=50)
    assert divide(samples, 0.2, 1)[1].paths == divide(samples, 0.2, 1)[1].paths
    assert divide(samples, 0.2, 1)[1].paths != divide(samples, 0.2, 2)[1].paths


def test_another_class_changes_no_division():
    alone = divide(_samples(b=30), 0.2, seed=0)
    together = divide(_samples(a=7, b=30), 0.2, seed=0)
    for one, other in zip(alone, together, strict=True):
        own = [path for path in other.paths if path.parent.name == "b"]
        assert own == one.paths


@pytest.mark.parametrize("numbers", [False, True])
def test_a_group_is_never_on_both_sides(numbers):
    draw = np.random.default_rng(0)
    samples = _samples(draw.integers(0, 12, 90).astype(str), a=60, b=30)
    if numbers:
        rows = draw.normal(size=(90, 2)).astype("float32")
        samples = Samples(samples.paths, rows, samples.groups)
    train, validation = divide(samples, 0.25, seed=3)
    assert not set(train.groups) & set(validation.groups)
    assert 0.1 < len(validation) / 90 < 0.45
    if not numbers:
        assert _counts(validation, 2)[1] / len(validation) == pytest.approx(
            1 / 3, abs=0.15
        )


def test_one_group_alone_cannot_be_divided():
    with pytest.raises(ValueError, match="belong to one group"):
        divide(_samples(np.array(["x"] * 6), a=3, b=3), 0.2, seed=0)


def test_copies_are_found_by_content(tmp_path):
    first = photo(tmp_path / "1.png")
    paths = [first, photo(tmp_path / "2.png"), tmp_path / "3.png"]
    shutil.copy(first, paths[2])
    assert exact_copies([*paths, tmp_path / "missing.png"]) == [[0, 2]]


@pytest.fixture
def copied(tmp_path):
    """Eight photographs of each class, each three times."""
    class_folders(tmp_path, {"ants": 8, "bees": 8})
    for path in sorted(tmp_path.rglob("*.png")):
        for number in (1, 2):
            shutil.copy(path, path.with_name(f"{path.stem} copy {number}.png"))
    return tmp_path


def _contents(dataset):
    return {Path(path).read_bytes() for path in dataset.file_paths}


def test_copies_stay_on_one_side(copied):
    with pytest.warns(UserWarning, match="32 photographs are byte for byte"):
        train, validation = kt.data.from_directory(copied, image_size=4)
    assert not _contents(train) & _contents(validation)
    assert len(validation.file_paths) == 12


def test_copies_across_given_parts_are_named(tmp_path):
    class_folders(tmp_path / "train", {"ants": 4, "bees": 4})
    shutil.copytree(tmp_path / "train", tmp_path / "val")
    with pytest.warns(
        UserWarning, match=r"8 held-out photographs .*0\.png and .*too good"
    ):
        kt.data.from_directory(tmp_path, image_size=4)


def test_a_photograph_of_two_classes_is_named(tmp_path):
    class_folders(tmp_path, {"ants": 4})
    shutil.copytree(tmp_path / "ants", tmp_path / "bees")
    with pytest.warns(UserWarning, match="4 photographs have several labels"):
        train, validation = kt.data.from_directory(tmp_path, image_size=4)
    assert not _contents(train) & _contents(validation)


def test_groups_by_the_names_of_files(tmp_path):
    for name in ("sick", "well"):
        for patient in range(6):
            for number in range(3):
                photo(tmp_path / name / f"patient{patient}_{number}.png")
    train, validation = kt.data.from_directory(
        tmp_path, image_size=4, group=r"(?P<group>patient\d+)"
    )
    sides = [
        {Path(p).name[:8] for p in d.file_paths} for d in (train, validation)
    ]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_groups_that_cross_given_parts_are_named(tmp_path):
    for part in ("train", "val"):
        for name in ("sick", "well"):
            photo(tmp_path / part / name / "patient1_0.png")
            photo(tmp_path / part / name / f"patient_{part}_0.png")
    with pytest.warns(UserWarning, match="1 groups have photographs in"):
        kt.data.from_directory(
            tmp_path, image_size=4, group=r"(?P<group>patient(\d+|_[a-z]+))"
        )


def test_a_name_without_a_group_is_refused(tmp_path):
    class_folders(tmp_path, {"ants": 2, "bees": 2})
    with pytest.raises(ValueError, match=r"The group of .*0\.png is unknown"):
        kt.data.from_directory(tmp_path, image_size=4, group="(?P<group>x)")
