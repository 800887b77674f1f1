"""Linear probing: the head moves, the backbone does not."""

import keras
import numpy as np

import keras_transfer as kt
from tests.conftest import build_tiny


def test_after_two_epochs_only_the_head_has_moved():
    model = kt.build_model(build_tiny(), kt.heads.MLPHead(2, (16,)))
    kt.compile_for_transfer(model, learning_rate=0.01)
    check_probe(model)


def test_a_model_that_was_trained_whole_before_is_frozen_too():
    model = kt.build_model(build_tiny(), kt.heads.LinearHead(2))
    kt.compile_for_transfer(model, keras.optimizers.SGD(0.01))
    model.fit(*data(), verbose=0)
    check_probe(model)


def check_probe(model):
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.weights]
    callbacks = [kt.schedules.LinearProbe()]
    model.fit(*data(), epochs=2, batch_size=4, verbose=0, callbacks=callbacks)
    for weight, old in zip(model.weights, before, strict=True):
        moved = not np.array_equal(old, keras.ops.convert_to_numpy(weight))
        assert moved == weight.path.startswith("head"), weight.path


def data():
    rng = np.random.default_rng(0)
    # Dark images: bright ones saturate an untrained head, and nothing moves.
    x = rng.uniform(0, 8, (8, 32, 32, 3)).astype("float32")
    return x, np.arange(8) % 2
