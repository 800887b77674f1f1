from pathlib import Path

import pytest

from keras_transfer.data.directory import stratified_split


def _files(**counts):
    return {
        name: [Path(name, f"{i:03}.png") for i in range(count)]
        for name, count in counts.items()
    }


def test_every_class_is_divided_in_the_same_proportion():
    train, validation = stratified_split(_files(a=100, b=20), 0.2, seed=0)
    assert [len(validation[name]) for name in "ab"] == [20, 4]
    assert [len(train[name]) for name in "ab"] == [80, 16]


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_small_classes_are_on_both_sides(fraction):
    train, validation = stratified_split(_files(a=2, b=3), fraction, seed=0)
    assert all(train.values())
    assert all(validation.values())


def test_a_single_image_is_for_training():
    files = _files(a=1)
    assert stratified_split(files, 0.9, seed=0) == (files, {"a": []})


def test_the_seed_decides_the_draw():
    files = _files(a=50)
    assert stratified_split(files, 0.2, 1) == stratified_split(files, 0.2, 1)
    assert stratified_split(files, 0.2, 1) != stratified_split(files, 0.2, 2)


def test_another_class_changes_no_division():
    alone = stratified_split(_files(b=30), 0.2, seed=0)
    together = stratified_split(_files(a=7, b=30), 0.2, seed=0)
    assert together[0]["b"] == alone[0]["b"]
    assert together[1]["b"] == alone[1]["b"]
