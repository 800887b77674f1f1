"""The figures of each epoch travel in the file."""

import json

import keras
import numpy as np

import keras_transfer as kt
from keras_transfer.callbacks import training_history
from keras_transfer.structure import model_info
from tests.conftest import build_tiny

X = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
Y = np.arange(4) % 2


def build():
    return kt.build_model(build_tiny(), kt.heads.LinearHead(2))


def test_plain_saving_takes_the_history_along(tmp_path):
    model = kt.compile_for_transfer(build())
    expected = model.fit(X, Y, epochs=2, verbose=0).history
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert kt.info(loaded).history == expected
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0)
    assert len(kt.info(model).history["loss"]) == 3
    model.fit(X, Y, epochs=1, verbose=0)  # Anew.
    assert len(kt.info(model).history["loss"]) == 1


def test_a_schedule_alone_notes_the_history():
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy")
    schedule = kt.schedules.LinearProbe()
    fit = model.fit(X, Y, verbose=0, callbacks=[schedule])
    assert kt.info(model).history == fit.history


def test_figures_that_other_callbacks_add_are_noted_with_those_of_a_schedule():
    class Add(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["added"] = 7.0

    model = kt.compile_for_transfer(build())
    callbacks = [kt.schedules.LinearProbe(), Add()]
    model.fit(X, Y, verbose=0, callbacks=callbacks)
    history = kt.info(model).history
    assert (history["added"], history["phase"]) == ([7.0], [0.0])


def test_figures_that_are_missing_or_not_finite_are_none():
    model = build()
    training_history.record(model, 0, {"loss": np.nan})
    training_history.record(model, 1, {"loss": 1.0, "val_loss": 2.0})
    training_history.record(model, 2, {"loss": 3.0})
    assert kt.info(model).history == {
        "loss": [None, 1.0, 3.0],
        "val_loss": [None, 2.0, None],
    }


def test_an_epoch_that_is_run_again_replaces_what_was_noted():
    model = build()
    for epoch, loss in ((0, 1.0), (1, 2.0), (2, 3.0), (1, 4.0)):
        training_history.record(model, epoch, {"loss": loss})
    assert kt.info(model).history == {"loss": [1.0, 4.0]}


def test_the_oldest_epochs_are_forgotten_at_64_kilobytes():
    model = build()
    losses = [1 / (3 + epoch) for epoch in range(2900)]
    model_info.find(model)["history"] = {"loss": losses}
    for epoch in range(2900, 3100):
        training_history.record(model, epoch, {"loss": 1 / (3 + epoch)})
    history = kt.info(model).history["loss"]
    assert 1000 < len(history) < 3100
    assert history[-1] == 1 / (3 + 3099)
    assert len(json.dumps(history)) <= 64 * 1024


def test_a_model_without_model_info_is_left_alone():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    training_history.record(model, 0, {"loss": 1.0})
    assert kt.info(model).history == {}
