"""Quantized models with our heads are saved and loaded as they are."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.heads.classification_head import policies_of

HEADS = {
    "linear": kt.heads.LinearHead,
    "mlp": lambda classes: kt.heads.MLPHead(classes, (4, 4)),
    "attention": kt.heads.AttentionPoolHead,
}

# Keras warns of each layer that it does not quantize.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* does not have a `quantize` method"
)


def heads_and_modes():
    for name in HEADS:
        for mode in ("int8", "int4", "float8"):
            # Keras compiles int4 for each of the layers.
            is_slow = mode == "int4" and name != "linear"
            yield pytest.param(name, mode, marks=[pytest.mark.slow] * is_slow)


@pytest.mark.parametrize(("name", "mode"), [*heads_and_modes()])
def test_a_saved_quantized_model_gives_bit_equal_outputs(
    name, mode, tiny_backbone, tmp_path
):
    model = kt.build_model(tiny_backbone(), HEADS[name](3))
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    before = np.asarray(model(images))
    model.quantize(mode)
    head = model.get_layer("head")
    assert "predictions" in policies_of(head)
    expected = np.asarray(model(images))
    # Keras's float8 layers round in training alone.
    assert (expected != before).any() or mode == "float8"
    kt.save_model(model, tmp_path / "one.keras")
    loaded = kt.load_model(tmp_path / "one.keras")
    np.testing.assert_array_equal(loaded(images), expected)
    assert policies_of(loaded.get_layer("head")) == policies_of(head)

    kt.save_model(loaded, tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(again(images), expected)


def test_a_head_that_is_not_quantized_says_nothing_of_it(tiny_model):
    assert set(tiny_model.get_layer("head").get_build_config()) == {
        "input_shape"
    }
