"""Folding changes nothing but the number of layers."""

import keras
import numpy as np
import pytest

from keras_transfer.exporting.batch_norm_folding import fold_batch_norms
from keras_transfer.exporting.trial import outputs_of
from tests.exporting import networks

LAYERS = keras.layers


def folded_and_checked(image, output):
    """Folds a network; outputs stay, to float rounding."""
    model = networks.lively(keras.Model(image, output))
    images = np.random.default_rng(1).normal(size=(4, *image.shape[1:]))
    result = fold_batch_norms(model)
    expected = outputs_of(model, images)
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(
        outputs_of(result.model, images), expected, rtol=1e-5, atol=1e-5
    )
    return result


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((9, 9, 3), LAYERS.Conv2D(4, 3, 2)),
        ((9, 9, 3), LAYERS.Conv2D(4, 3, padding="same", use_bias=False)),
        ((9, 9, 4), LAYERS.Conv2D(6, 3, groups=2)),
        ((9, 9, 3), LAYERS.Conv2D(4, 3, dilation_rate=2)),
        ((9, 3), LAYERS.Conv1D(4, 3)),
        ((5, 5, 5, 2), LAYERS.Conv3D(4, 3)),
        ((9, 9, 3), LAYERS.DepthwiseConv2D(3, depth_multiplier=2)),
        ((9, 3), LAYERS.DepthwiseConv1D(3, depth_multiplier=2)),
        ((9, 9, 3), LAYERS.SeparableConv2D(4, 3, use_bias=False)),
        ((9, 9, 3), LAYERS.Conv2DTranspose(4, 3, 2)),
        ((9, 3), LAYERS.Conv1DTranspose(4, 3, use_bias=False)),
        ((9,), LAYERS.Dense(5)),
        ((9, 3), LAYERS.Dense(5, use_bias=False)),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "name") else "",
)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_a_linear_layer_takes_its_normalization_in(shape, layer, options):
    layer = type(layer).from_config(layer.get_config())
    image = keras.Input(shape)
    x = LAYERS.BatchNormalization(**options)(layer(image))
    result = folded_and_checked(image, LAYERS.Activation("tanh")(x))
    assert (result.folded, result.kept) == (1, 0)
    kinds = {type(la) for la in result.model.layers}
    assert LAYERS.BatchNormalization not in kinds


def conv(**options):
    return LAYERS.Conv2D(4, 3, padding="same", **options)


def before_a_convolution(x):
    return conv()(LAYERS.BatchNormalization()(x))


def after_an_activation(x):
    return LAYERS.BatchNormalization()(conv(activation="relu")(x))


def of_an_output_that_another_reads(x):
    x = conv()(x)
    return LAYERS.Add()([x, LAYERS.BatchNormalization()(x)])


def of_a_layer_called_twice(x):
    shared = conv()
    x = LAYERS.Conv2D(4, 1)(x)
    return LAYERS.BatchNormalization()(shared(LAYERS.ReLU()(shared(x))))


def called_twice(x):
    shared = LAYERS.BatchNormalization()
    return shared(conv()(LAYERS.ReLU()(shared(conv()(x)))))


def over_another_axis(x):
    return LAYERS.BatchNormalization(axis=1)(conv()(x))


def of_a_layer_of_another_class(x):
    class Doubling(LAYERS.Conv2D):
        def call(self, inputs):
            return 2 * super().call(inputs)

    return LAYERS.BatchNormalization()(Doubling(4, 3)(x))


@pytest.mark.parametrize(
    "network",
    [
        before_a_convolution,
        after_an_activation,
        of_an_output_that_another_reads,
        of_a_layer_called_twice,
        called_twice,
        over_another_axis,
        of_a_layer_of_another_class,
    ],
)
def test_one_that_cannot_be_folded_stays(network):
    image = keras.Input((7, 7, 3))
    result = folded_and_checked(image, network(image))
    assert (result.folded, result.kept) == (0, 1)


def test_a_layer_with_lora_keeps_its_normalization():
    image = keras.Input((6,))
    dense = LAYERS.Dense(4)
    model = keras.Model(image, LAYERS.BatchNormalization()(dense(image)))
    dense.enable_lora(2)
    assert fold_batch_norms(model).folded == 0
