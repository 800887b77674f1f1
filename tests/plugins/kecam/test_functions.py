"""What stands for TensorFlow's functions computes what they compute."""

import numpy as np
import pytest
import tensorflow as tf
from keras_transfer_kecam import functions
from keras_transfer_kecam import layer_fixes

FUNCTIONS = functions.functional_module()
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(2, 9, 7, 3)).astype("float32")
MAPS = RANDOM.normal(size=(2, 3, 8, 6)).astype("float32")


def same(received, expected):
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "strides", "rates"),
    [
        (3, 1, 1),
        (2, 2, 1),
        ([1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1]),
        ([1, 2, 3, 1], [1, 1, 2, 1], [1, 2, 2, 1]),
    ],
)
def test_patches_are_tensorflow_s(sizes, strides, rates):
    def four(value):
        return [1, value, value, 1] if isinstance(value, int) else value

    received = FUNCTIONS.extract_patches(
        IMAGES, sizes, strides, rates, padding="VALID"
    )
    expected = tf.image.extract_patches(
        IMAGES, four(sizes), four(strides), four(rates), padding="VALID"
    )
    np.testing.assert_array_equal(received, expected)


def test_patches_with_padding_are_refused():
    with pytest.raises(ValueError, match="pad before. Received: padding='sa"):
        FUNCTIONS.extract_patches(IMAGES, 3, 1, padding="same")


def test_fourier_transforms_are_numpy_s():
    real, imaginary = FUNCTIONS.rfft2d(MAPS)
    expected = np.fft.rfft2(MAPS)
    same(real, expected.real)
    same(imaginary, expected.imag)
    filtered = expected * np.exp(1j * np.arange(8))[:, None]
    pair = [filtered.real.astype("float32"), filtered.imag.astype("float32")]
    same(
        FUNCTIONS.irfft2d(pair, fft_length=(8, 6)),
        np.fft.irfft2(filtered, (8, 6)),
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda f: f.concat([IMAGES, IMAGES]),
            lambda: tf.concat([IMAGES] * 2, -1),
        ),
        (
            lambda f: f.transpose(IMAGES, perm=[0, 3, 1, 2]),
            lambda: tf.transpose(IMAGES, [0, 3, 1, 2]),
        ),
        (
            lambda f: f.pad(IMAGES, [[0, 0], [1, 2], [3, 0], [0, 0]], 5.0),
            lambda: tf.pad(
                IMAGES, [[0, 0], [1, 2], [3, 0], [0, 0]], constant_values=5.0
            ),
        ),
        (lambda f: f.gelu(IMAGES), lambda: tf.nn.gelu(IMAGES)),
        (
            lambda f: f.gelu(IMAGES, approximate=True),
            lambda: tf.nn.gelu(IMAGES, approximate=True),
        ),
        (
            lambda f: f.resize(IMAGES, [5, 11]),
            lambda: tf.image.resize(IMAGES, [5, 11]),
        ),
        (
            lambda f: f.resize(IMAGES, [18, 14], method="nearest"),
            lambda: tf.image.resize(IMAGES, [18, 14], method="nearest"),
        ),
        (
            lambda f: f.gather(IMAGES, [2, 0], axis=3),
            lambda: tf.gather(IMAGES, [2, 0], axis=3),
        ),
        (
            lambda f: f.norm(IMAGES, axis=[1, 2], keepdims=True),
            lambda: tf.norm(IMAGES, axis=[1, 2], keepdims=True),
        ),
        (
            lambda f: f.l2_normalize(1e-7 * IMAGES, axis=-1),
            lambda: tf.nn.l2_normalize(1e-7 * IMAGES, axis=-1),
        ),
        (
            lambda f: f.clip_by_value(IMAGES, -0.5, 0.25),
            lambda: tf.clip_by_value(IMAGES, -0.5, 0.25),
        ),
        (lambda f: f.range(2, 9, 3), lambda: tf.range(2, 9, 3)),
        (lambda f: f.pow(IMAGES, 2), lambda: tf.pow(IMAGES, 2)),
        (
            lambda f: f.reduce_sum([IMAGES, IMAGES + 1], axis=0),
            lambda: IMAGES * 2 + 1,
        ),
        *(
            (
                lambda f, name=name: getattr(f, name)(
                    IMAGES, axis=[1, 3], keepdims=True
                ),
                lambda name=name: getattr(tf, name)(
                    IMAGES, axis=[1, 3], keepdims=True
                ),
            )
            for name in (
                "reduce_max",
                "reduce_mean",
                "reduce_min",
                "reduce_sum",
            )
        ),
    ],
)
def test_a_function_computes_what_tensorflow_s_does(ours, theirs):
    same(ours(FUNCTIONS), theirs())


@pytest.mark.parametrize("sizes", [3, [2, 6, 1], [4, -1]])
def test_parts_are_tensorflow_s(sizes):
    received = FUNCTIONS.split(IMAGES, sizes, axis=1)
    expected = tf.split(IMAGES, sizes, axis=1)
    assert len(received) == len(expected)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_softmax_of_six_axes_sums_to_one_along_the_last():
    x = RANDOM.normal(size=(2, 3, 2, 2, 2, 5)).astype("float32")
    received = layer_fixes.softmax_of_five_axes()(x)
    powers = np.exp(x - x.max(-1, keepdims=True))
    same(received, powers / powers.sum(-1, keepdims=True))


@pytest.mark.parametrize("is_last", [True, False])
def test_arrays_are_resized_along_height_and_width(is_last):
    array = IMAGES[0]
    expected = tf.image.resize(array, [4, 10]).numpy()
    if not is_last:
        array = np.moveaxis(array, -1, 0)
        expected = np.moveaxis(expected, -1, 0)
    received = functions.resize_array(
        array, (4, 10), is_source_channels_last=is_last
    )
    same(received, expected)
    flat = functions.resize_array(IMAGES[0, ..., 0], (4, 10))
    same(flat, tf.image.resize(IMAGES[0, ..., :1], [4, 10])[..., 0])
