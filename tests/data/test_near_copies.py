"""Photographs of one scene stay on one side of a split."""

import numpy as np
import pytest
from PIL import Image
from PIL import ImageFilter

import keras_transfer as kt
from keras_transfer.data import near_copies
from keras_transfer.data.near_copies import near_copy_numbers
from keras_transfer.data.splitting import Samples
from keras_transfer.data.splitting import divide


def scene(seed, side=96):
    """A picture of soft blobs, as photographs are: no two are alike."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), "uint8")
    picture = Image.fromarray(noise).resize((side, side), Image.BICUBIC)
    return picture.filter(ImageFilter.GaussianBlur(2))


COPIES = {
    "encoded anew": lambda picture: picture,
    "smaller": lambda picture: picture.resize((60, 60)),
    "mirrored": lambda picture: picture.transpose(
        Image.Transpose.FLIP_LEFT_RIGHT
    ),
}


@pytest.fixture
def photographs(tmp_path):
    """Sixteen scenes, each once as PNG and once changed as JPEG."""
    paths = []
    for number in range(16):
        picture = scene(number)
        kind = list(COPIES)[number % len(COPIES)]
        for name, saved in (
            ("0.png", picture),
            ("1.jpg", COPIES[kind](picture)),
        ):
            folder = tmp_path / "photos" / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            paths.append(folder / f"{number:02}_{name}")
            saved.save(paths[-1])
    return paths


def test_copies_are_found_and_others_are_not(photographs):
    numbers = near_copy_numbers(photographs)
    assert (numbers[::2] == numbers[1::2]).all()
    assert len(set(numbers.tolist())) == 16


def test_a_scene_joins_those_that_are_like_it(tmp_path, photographs):
    # The mirror image of a copy, though neither is that of the other.
    scene(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
        tmp_path / "mirrored.png"
    )
    numbers = near_copy_numbers([*photographs[:4], tmp_path / "mirrored.png"])
    assert numbers[0] == numbers[1] == numbers[4] != numbers[2]


def test_pictures_without_contrast_are_no_copies(tmp_path):
    paths = [tmp_path / f"{grey}.png" for grey in (10, 11, 200)]
    for path, grey in zip(paths, (10, 11, 200), strict=True):
        Image.new("L", (32, 32), grey).save(path)
    assert len(set(near_copy_numbers(paths).tolist())) == 3


def test_without_imagehash_each_is_its_own(photographs, monkeypatch):
    monkeypatch.setattr(near_copies, "find_spec", lambda name: None)
    assert len(set(near_copy_numbers(photographs).tolist())) == 32


def test_too_many_files_are_not_decoded(photographs, monkeypatch):
    monkeypatch.setattr(near_copies, "MOST_FILES", 31)
    monkeypatch.setattr(near_copies, "_hashes", None)
    assert len(set(near_copy_numbers(photographs).tolist())) == 32


def scenes_of(paths):
    return {str(path).rsplit("/", 1)[-1][:2] for path in paths}


@pytest.mark.parametrize("seed", range(5))
def test_a_folder_keeps_copies_on_one_side(photographs, tmp_path, seed):
    train, validation = kt.data.from_directory(
        tmp_path / "photos", image_size=16, seed=seed
    )
    assert len(validation.file_paths) >= 4
    assert not scenes_of(train.file_paths) & scenes_of(validation.file_paths)


def test_copies_may_be_ignored(photographs):
    labels = np.repeat(np.arange(16) % 2, 2).astype("int32")
    samples = Samples(photographs, labels)
    for copies, is_shared in (("exact", True), ("ignore", True)):
        parts = divide(samples, 0.3, 0, copies)
        shared = set.intersection(*(scenes_of(part.paths) for part in parts))
        assert bool(shared) is is_shared


def test_an_unknown_choice_is_refused(photographs, tmp_path):
    with pytest.raises(ValueError, match="`copies` must be one of"):
        kt.data.from_directory(tmp_path / "photos", copies="apart")
