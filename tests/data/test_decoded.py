"""Decoded images are kept where they fit, and change no batch."""

import os

import numpy as np
import pytest
import tensorflow as tf

import keras_transfer as kt
from keras_transfer.data.decoded import DecodedImages
from keras_transfer.data.decoded import are_kept
from tests.data.photos import class_folders


@pytest.fixture
def photos(tmp_path):
    return class_folders(tmp_path / "photos", {"ants": 5, "bees": 5})


def epochs_of(dataset, count=2):
    return [
        np.concatenate([images for images, _ in dataset]) for _ in range(count)
    ]


def remove_files(dataset):
    for path in dataset.file_paths:
        os.remove(path)


def test_each_image_is_decoded_once():
    asked = []

    def decode(row):
        asked.append(row)
        return np.full((2, 2, 1), row, "uint8")

    images = DecodedImages(3, (2, 2, 1), decode)
    values = [images(row).max() for row in (2, 0, 2, 2, 0)]
    assert values == [2, 0, 2, 2, 0]
    assert asked == [2, 0]


@pytest.mark.parametrize("cache", ["auto", "memory"])
def test_a_second_epoch_opens_no_file(photos, cache):
    train, validation = kt.data.from_directory(
        photos, image_size=4, cache=cache
    )
    for dataset in (train, validation):
        (first,) = epochs_of(dataset, 1)
        remove_files(dataset)
        (second,) = epochs_of(dataset, 1)
        np.testing.assert_array_equal(
            np.sort(first.reshape(len(first), -1), axis=0),
            np.sort(second.reshape(len(second), -1), axis=0),
        )


def test_without_a_cache_each_epoch_opens_the_files(photos):
    train, _ = kt.data.from_directory(photos, image_size=4, cache=False)
    epochs_of(train, 1)
    remove_files(train)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="there is no such file"
    ):
        epochs_of(train, 1)


def test_batches_do_not_depend_on_the_cache(photos):
    cached, _ = kt.data.from_directory(photos, image_size=4)
    opened, _ = kt.data.from_directory(photos, image_size=4, cache=False)
    np.testing.assert_array_equal(epochs_of(cached, 3), epochs_of(opened, 3))


def test_what_is_read_in_order_is_not_kept(photos):
    """It is read once, to be cached as features; its memory must not grow."""
    train, _ = kt.data.from_directory(photos, image_size=4)
    for _ in train.catalogue.images_from(0):
        pass
    remove_files(train)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="there is no such file"
    ):
        epochs_of(train, 1)


def test_more_than_the_memory_is_kept_for_nobody():
    huge = 10**9
    assert not are_kept("auto", huge, (224, 224, 3))
    assert are_kept("auto", 10, (224, 224, 3))
    assert not are_kept(False, 10, (224, 224, 3))
    with pytest.raises(
        ValueError, match=r"1,000,000,000 decoded images, .*GiB"
    ):
        are_kept("memory", huge, (224, 224, 3))


def test_an_unknown_cache_is_refused_before_any_work():
    with pytest.raises(ValueError, match="`cache` must be one of"):
        kt.data.from_directory("no such folder", cache="disk")
