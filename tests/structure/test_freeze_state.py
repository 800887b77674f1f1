"""What trains is the same after plain saving and plain loading."""

import functools

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import compat
from keras_transfer.saving import model_archive
from keras_transfer.structure import freeze_state
from tests.conftest import build_tiny


def sequential():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(4, 3, 2, name="conv_1"),
            keras.layers.BatchNormalization(name="bn_1"),
            keras.layers.Conv2D(4, 3, 2, name="conv_2"),
            keras.layers.BatchNormalization(name="bn_2"),
        ],
        name="sequence",
    )


def mobilenet():
    return kt.create_backbone(
        "mobilenet",
        alpha=0.25,
        weights=None,
        input_shape=(32, 32, 3),
        cut_at="stage_1",
    )


def one_kernel(model):
    convolutions = [
        layer
        for layer in compat.sublayers(model)
        if isinstance(layer, keras.layers.Conv2D)
    ]
    convolutions[0].kernel.trainable = False


def convnet():
    return kt.create_backbone(
        "simple_convnet", weights=None, input_shape=(32, 32, 3)
    )


BACKBONES = [
    build_tiny,
    sequential,
    convnet,
    pytest.param(mobilenet, marks=pytest.mark.slow),
]
PATTERNS = {
    "everything": lambda model: None,
    "head": kt.freeze,
    "upper half": lambda model: kt.set_trainable(model, 0.5),
    "frozen batch norm": functools.partial(
        kt.set_trainable, selectors="*", batch_norm="frozen"
    ),
    "statistics": functools.partial(
        kt.set_trainable, selectors="*", batch_norm="statistics"
    ),
    "affine": functools.partial(
        kt.set_trainable, selectors="*", batch_norm="affine"
    ),
    "all but a kernel": one_kernel,
}


def step(model):
    """A step of the optimizer with gradients that need no trace."""
    weights = model.trainable_variables
    gradients = [
        keras.ops.convert_to_tensor(
            np.cos(np.arange(np.prod(w.shape))).reshape(w.shape), w.dtype
        )
        for w in weights
    ]
    model.optimizer.apply(gradients, weights)


def check_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
        )


@pytest.mark.parametrize("optimizer", ["ours", "Keras's"])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_round_trip_keeps_what_trains(backbone, pattern, optimizer, tmp_path):
    model = kt.build_model(backbone(), kt.heads.LinearHead(2))
    PATTERNS[pattern](model)
    if optimizer == "ours":
        kt.compile_for_transfer(model)
    else:
        model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    step(model)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")

    assert freeze_state.of(loaded) == freeze_state.of(model)
    # Keras forgets the flags of inputs, which say nothing, and of a
    # Sequential, which is that of its layers.
    leaves = [
        (one.trainable, other.trainable)
        for one, other in zip(
            compat.sublayers(model), compat.sublayers(loaded), strict=True
        )
        if not isinstance(one, keras.Model | keras.layers.InputLayer)
    ]
    assert all(one == other for one, other in leaves)
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    check_equal([model(x, training=False)], [loaded(x, training=False)])
    check_equal(model.optimizer.variables, loaded.optimizer.variables)
    for each in (model, loaded):
        step(each)
    check_equal(model.weights, loaded.weights)


def test_the_file_says_what_trains(tiny_model, tmp_path):
    kt.set_trainable(tiny_model, ["conv_2", "head"])
    tiny_model.save(tmp_path / "m.keras")
    config = model_archive.read_config(tmp_path / "m.keras")
    layers = model_archive.metadata_of(config)["freeze"]["layers"]
    head = tiny_model.layers[-1].name
    opened = {path for path, is_open in layers.items() if is_open}
    assert {path.split("/")[0] for path in opened - {"tiny/conv_2"}} == {head}
    assert "tiny/conv_2" in opened
    assert layers["tiny/bn_1"] is False


def test_loading_weights_leaves_flags_alone(tiny_model, tmp_path):
    kt.freeze(tiny_model)
    tiny_model.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    kt.set_trainable(loaded, "*")
    loaded.load_weights(tmp_path / "frozen.keras")
    assert len(loaded.trainable_variables) > 2


@pytest.mark.parametrize("state", [None, {}, {"weights": "01"}, {"weights": 3}])
def test_a_state_that_does_not_fit_changes_nothing(state, tiny_model):
    before = freeze_state.of(tiny_model)
    freeze_state.restore(tiny_model, state)
    assert freeze_state.of(tiny_model) == before
