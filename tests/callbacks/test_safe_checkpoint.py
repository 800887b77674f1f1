"""Checkpoints that training goes on from."""

import os

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import model_archive
from tests.conftest import build_tiny

X = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
Y = np.arange(8) % 2


def build(units=2, head=None):
    keras.utils.set_random_seed(0)
    head = head or kt.heads.LinearHead(units)
    model = kt.build_model(build_tiny(), head)
    # A few steps take less time than a trace.
    return kt.compile_for_transfer(model, run_eagerly=True)


def train(model, folder, epochs, *callbacks, **options):
    checkpoint = kt.callbacks.SafeCheckpoint(folder, **options)
    return model.fit(
        X,
        Y,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[checkpoint, *callbacks],
    ).epoch


def test_training_goes_on_exactly_with_its_schedule_and_history(tmp_path):
    def schedule():
        return kt.schedules.GradualUnfreeze(every=1, start=1)

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(expected := build(), whole, 3, schedule()) == [0, 1, 2]
    assert train(build(), cut, 2, schedule()) == [0, 1]
    assert train(model := build(), cut, 3, schedule()) == [2]
    for one, other in zip(
        model.get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert kt.info(model).history == kt.info(expected).history
    assert len(kt.info(model).history["loss"]) == 3
    # Nothing is left to do, and the next `fit` begins where it is told to.
    assert train(model, cut, 3, schedule()) == []
    assert model.fit(X, Y, verbose=0).epoch == [0]
    loaded = kt.load_model(cut / "epoch-00003.keras")
    assert kt.info(loaded).history == kt.info(expected).history


def test_the_newest_files_stay(tmp_path):
    (tmp_path / "notes.keras").touch()
    train(build(), tmp_path, 5, every=2, keep=1)
    assert sorted(os.listdir(tmp_path)) == ["epoch-00004.keras", "notes.keras"]


def test_a_damaged_file_is_passed_over(tmp_path):
    train(build(), tmp_path, 2)
    newest = tmp_path / "epoch-00002.keras"
    newest.write_bytes(newest.read_bytes()[:-50])
    with pytest.warns(UserWarning, match="epoch-00002.*is damaged"):
        assert train(build(), tmp_path, 2) == [1]
    assert model_archive.fault_of(newest) is None


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: build(3), "does not fit the model"),
        (
            lambda: build(head=kt.heads.MLPHead(2, hidden_units=(3,))),
            "is of another model.*Name another folder",
        ),
    ],
    ids=["units", "layers"],
)
def test_files_of_another_model_are_refused(other, message, tmp_path):
    train(build(), tmp_path, 1)
    model = other()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        train(model, tmp_path, 2)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    train(build(), tmp_path, 1)

    def spoil(epoch, logs):
        model.weights[0].assign(model.weights[0] * np.nan)

    model = build()
    spoiler = keras.callbacks.LambdaCallback(on_epoch_begin=spoil)
    with pytest.raises(ValueError, match="became nan|holds NaN or infinity"):
        train(model, tmp_path, 2, spoiler)
    assert os.listdir(tmp_path) == ["epoch-00001.keras"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"every": 0},
            "`every` must be a whole .*. Received: 0",
        ),
        (
            {"keep": 1.5},
            "`keep` must be a whole .*. Received: 1.5",
        ),
        (
            {"keep": True},
            "`keep` must be a whole .*. Received: True",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        kt.callbacks.SafeCheckpoint("folder", **options)
