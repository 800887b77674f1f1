"""Weights files resume a model that was compiled with a plain optimizer."""

import warnings

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import wrap_optimizer
from tests.optimizer import networks as net

KINDS = {"plain": lambda name: name, "wrapped": wrap_optimizer}


@pytest.fixture(autouse=True)
def nothing_is_skipped():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*Skipping variable loading")
        yield


def everything(model):
    return [*model.get_weights(), *net.optimizer_values(model.optimizer)]


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_it_goes_on_exactly(before, after, suffix, tmp_path):
    model = net.compiled_dense(KINDS[before]("adam"))
    net.train(model)
    path = tmp_path / f"model{suffix}"
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    resumed = net.compiled_dense(KINDS[after]("adam"))
    kt.load_weights(resumed, path)
    for one in (model, resumed):
        net.train(one)
    assert net.same_weights(model, resumed)
    assert net.number(resumed.optimizer.iterations) == 6


def test_a_mixed_precision_model_goes_on_exactly(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        for kind in ("plain", "wrapped"):
            model, resumed = (net.compiled_dense("adam") for _ in range(2))
            if kind == "wrapped":
                kt.adopt_optimizer(model)
            net.train(model)
            model.save_weights(tmp_path / "model.weights.h5")
            kt.load_weights(resumed, tmp_path / "model.weights.h5")
            for one in (model, resumed):
                net.train(one)
            assert net.same_weights(model, resumed)
    finally:
        keras.config.set_dtype_policy("float32")


def test_only_the_weights_are_loaded_on_request(tmp_path):
    model = net.compiled_dense("sgd")
    net.train(model)
    model.save_weights(tmp_path / "model.weights.h5")
    other = net.compiled_dense("adam")
    optimizer = other.optimizer
    kt.load_weights(other, tmp_path / "model.weights.h5", optimizer=False)
    assert net.same_weights(model, other)
    assert other.optimizer is optimizer
    assert not optimizer.built


def frozen(model, part):
    model.get_layer(part).trainable = False


@pytest.mark.parametrize("after", KINDS)
def test_state_of_a_plain_optimizer_that_does_not_fit_is_refused_with_paths(
    after, tmp_path
):
    model = net.compiled_dense("adam")
    frozen(model, "hidden")
    net.train(model)
    model.save_weights(tmp_path / "model.weights.h5")
    other = net.compiled_dense(KINDS[after]("adam"))
    net.train(other)
    before = everything(other)
    with pytest.raises(kt.ModelFileError, match=r"hidden/kernel.*received"):
        kt.load_weights(other, tmp_path / "model.weights.h5")
    assert net.same(before, everything(other))
    assert (after == "wrapped") is isinstance(
        other.optimizer, TransferOptimizer
    )
    net.train(other)


@pytest.mark.parametrize("after", KINDS)
@pytest.mark.parametrize("is_trained", [False, True])
def test_our_state_that_does_not_fit_is_refused_with_the_reason(
    after, is_trained, tmp_path
):
    model = net.compiled_dense(wrap_optimizer("adam"))
    net.train(model)
    model.save_weights(tmp_path / "model.weights.h5")
    other = net.compiled_dense(KINDS[after]("sgd"))
    if is_trained:
        net.train(other)
    optimizer, before = other.optimizer, everything(other)
    with pytest.raises(kt.ModelFileError, match="is that of Adam, but"):
        kt.load_weights(other, tmp_path / "model.weights.h5")
    assert other.optimizer is optimizer
    assert net.same(before[:6], everything(other)[:6])
    net.train(other)


def test_our_state_of_weights_that_are_named_otherwise_is_refused(tmp_path):
    def compiled(optimizer, names):
        layers = [keras.layers.Dense(3, name=name) for name in names]
        model = keras.Sequential([keras.Input((3,)), *layers])
        model.compile(optimizer, loss="mse")
        return model

    model = compiled(wrap_optimizer("adam"), ["a", "b"])
    model.fit(np.ones((4, 3)), np.ones((4, 3)), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other = compiled("adam", ["a", "c"])
    optimizer, before = other.optimizer, other.get_weights()
    with pytest.raises(kt.ModelFileError, match=r"no distinct, .*b/kernel"):
        kt.load_weights(other, tmp_path / "model.weights.h5")
    assert other.optimizer is optimizer
    assert net.same(before, other.get_weights())


def test_a_checkpoint_of_a_scheduled_run_resumes_an_unscheduled_one(tmp_path):
    def checkpoint():
        return kt.callbacks.SafeCheckpoint(tmp_path)

    model = net.compiled_dense(wrap_optimizer("adam"))
    net.train(model, 1, [checkpoint()])
    net.train(model)
    resumed = net.compiled_dense("adam")
    net.train(resumed, 2, [checkpoint()])
    assert net.same_weights(model, resumed)
