"""Saliency and integrated gradients, against finite differences."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining import networks
from tests.explaining.networks import IMAGES


def logit_of(model, number):
    """The logit of a class in double precision, written out by hand."""

    def convolved(x, name, stride, activation):
        layer = networks.find(model, name)
        kernel = keras.ops.convert_to_numpy(layer.kernel).astype("float64")
        bias = keras.ops.convert_to_numpy(layer.bias).astype("float64")
        rows = range(0, x.shape[1] - 2, stride)
        columns = range(0, x.shape[2] - 2, stride)
        patches = np.stack(
            [
                np.stack([x[:, i : i + 3, j : j + 3] for j in columns], 1)
                for i in rows
            ],
            1,
        )
        return activation(
            np.einsum("brcijk,ijkd->brcd", patches, kernel) + bias
        )

    def logit(x):
        x = x / 127.5 - 1
        # "same" with stride 2 adds a row below and a column on the right.
        x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
        x = convolved(x, "a", 2, np.tanh)
        x = convolved(x, "b", 1, np.tanh)
        return x.mean(axis=(1, 2)) @ networks.kernel(model)[:, number]

    return logit


@pytest.mark.parametrize("build", [networks.sequential, networks.ours])
def test_saliency_agrees_with_finite_differences(build):
    model = build()
    expected = networks.numeric_gradient(
        logit_of(model, 1), IMAGES.astype("float64"), 1e-3
    )
    signed = kt.saliency(model, IMAGES, 1, per_channel=True)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(signed, expected, atol=1e-4 * scale)
    np.testing.assert_allclose(
        kt.saliency(model, IMAGES, 1),
        np.abs(expected).max(-1),
        atol=1e-4 * scale,
    )


def test_smoothgrad_is_the_mean_over_noisy_copies():
    model = networks.nested()
    smooth = kt.saliency(
        model, IMAGES, 1, samples=3, noise=0.2, seed=5, per_channel=True
    )
    generator = np.random.default_rng(5)
    expected = np.zeros(IMAGES.shape)
    spread = np.ptp(IMAGES, axis=(1, 2, 3), keepdims=True)
    for _ in range(3):
        noisy = IMAGES + 0.2 * spread * generator.standard_normal(IMAGES.shape)
        expected += (
            networks.numeric_gradient(logit_of(model, 1), noisy, 1e-3) / 3
        )
    np.testing.assert_allclose(
        smooth, expected, atol=1e-4 * np.abs(expected).max()
    )


def test_one_seed_gives_one_picture():
    model = networks.nested()
    first = kt.saliency(model, IMAGES, 1, samples=2, seed=1)
    again = kt.saliency(model, IMAGES, 1, samples=2, seed=1)
    other = kt.saliency(model, IMAGES, 1, samples=2, seed=2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("build", [networks.flat, networks.ours])
@pytest.mark.parametrize("baseline", [0.0, 255.0, "blurred"])
def test_integrated_gradients_are_complete(build, baseline):
    model = build()
    if baseline == "blurred":
        baseline = np.broadcast_to(
            IMAGES.mean(axis=(1, 2), keepdims=True), IMAGES.shape
        )
    logit = logit_of(model, 1)
    gain = logit(IMAGES.astype("float64")) - logit(
        np.broadcast_to(baseline, IMAGES.shape).astype("float64")
    )
    shares = kt.integrated_gradients(model, IMAGES, 1, baseline=baseline)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), gain, rtol=0.01)


def test_integrated_gradients_agree_with_a_slow_integral():
    model = networks.nested()
    logit, expected = logit_of(model, 1), np.zeros(IMAGES.shape)
    images = IMAGES.astype("float64")
    for i in range(40):
        point = (i + 0.5) / 40 * images
        expected += networks.numeric_gradient(logit, point, 1e-3) / 40 * images
    shares = kt.integrated_gradients(
        model, IMAGES, 1, tolerance=1e-4, per_channel=True
    )
    scale = np.abs(expected).max()
    np.testing.assert_allclose(shares, expected, atol=2e-3 * scale)
    np.testing.assert_allclose(
        kt.integrated_gradients(model, IMAGES, 1, tolerance=1e-4),
        expected.sum(-1),
        atol=5e-3 * scale,
    )


def kinked():
    """A network whose score leaps on the way from black to the image."""
    image = keras.Input((4, 4, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    x = keras.layers.Dense(1, use_bias=True, activation="sigmoid", name="s")(x)
    outputs = keras.layers.Dense(2, name="out")(x)
    model = keras.Model(image, outputs)
    model.get_layer("s").set_weights([np.ones((3, 1)), np.array([-100.0])])
    return model


def test_a_leap_on_the_way_is_met_with_more_steps_or_told():
    model, image = kinked(), np.full((1, 4, 4, 3), 100.0)
    with pytest.warns(UserWarning, match="After 16 steps.*Raise `max_steps`"):
        kt.integrated_gradients(model, image, 1, max_steps=16)
    # A warning would be an error here.
    shares = kt.integrated_gradients(model, image, 1, max_steps=4096)
    logits = keras.ops.convert_to_numpy(model(image) - model(0 * image))
    np.testing.assert_allclose(shares.sum(), logits[0, 1], rtol=0.01)


def test_several_inputs_get_a_map_each():
    image, figures = keras.Input((12, 10, 3), name="i"), keras.Input((4,))
    x = keras.layers.GlobalAveragePooling2D()(networks.features()(image))
    x = keras.layers.Concatenate()([x, figures])
    model = keras.Model([image, figures], keras.layers.Dense(2, name="out")(x))
    numbers = np.ones((3, 4), "float32")
    maps, rest = kt.saliency(model, [IMAGES, numbers], 1)
    assert maps.shape == (3, 12, 10)
    expected = np.repeat(networks.kernel(model)[None, 5:, 1], 3, 0)
    np.testing.assert_allclose(rest, expected, atol=1e-6)
    maps, rest = kt.integrated_gradients(
        model, [IMAGES, numbers], 1, baseline=[255.0, np.zeros(4)]
    )
    np.testing.assert_allclose(rest, expected, atol=1e-5)
    with pytest.raises(ValueError, match="a part for each of 2 inputs"):
        kt.integrated_gradients(model, [IMAGES, numbers], baseline=[0.0])
    with pytest.raises(ValueError, match="has 2 inputs: pass a list"):
        kt.saliency(model, IMAGES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"samples": 0}, "`samples` must be a whole number of at least 1"),
        ({"samples": 1.5}, "`samples` must be a whole number of at least 1"),
        ({"samples": 2, "noise": 0}, "`noise` is a fraction"),
        ({"samples": 2, "noise": float("inf")}, "`noise` is a fraction"),
    ],
)
def test_numbers_of_saliency_are_checked(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.saliency(networks.nested(), IMAGES, **arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"max_steps": 0}, "`max_steps` must be a whole number"),
        ({"tolerance": 0}, "`tolerance` must be a fraction"),
        ({"baseline": np.zeros((2, 2))}, "array of the shape"),
        ({"baseline": np.nan}, "`baseline` must be finite"),
    ],
)
def test_numbers_of_integrated_gradients_are_checked(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.integrated_gradients(networks.nested(), IMAGES, **arguments)
