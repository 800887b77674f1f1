"""Interpolation gives Keras's pixels, as whole numbers."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from PIL import ImageOps

from keras_transfer.data.images import load_image
from keras_transfer.data.resizing import reduction
from keras_transfer.data.resizing import squeeze

few = st.integers(1, 80)
MODES = {"L": 1, "RGB": 3}


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.tuples(few, few),
    ratio=st.tuples(st.floats(0.1, 3.3), st.floats(0.1, 3.3)),
    mode=st.sampled_from(sorted(MODES)),
    seed=st.integers(0, 99),
)
def test_pixels_are_those_of_keras_rounded_down(wanted, ratio, mode, seed):
    rng = np.random.default_rng(seed)
    size = np.maximum(1, np.multiply(wanted, ratio).astype(int))
    pixels = rng.integers(0, 256, (*size, MODES[mode]), "uint8")
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    expected = keras.ops.image.resize(
        pixels.astype("float32"), wanted, data_format="channels_last"
    )
    small = squeeze(image, image.size, wanted[::-1])
    received = np.asarray(small).reshape(*wanted, -1)
    less = keras.ops.convert_to_numpy(expected) - received
    assert less.min() > -0.01
    assert less.max() < 1.01


def test_what_is_transparent_has_no_colour():
    image = Image.fromarray(
        np.array([[[200, 0, 0, 255], [0, 0, 250, 0]]], "uint8")
    )
    middle = np.asarray(squeeze(image, image.size, (3, 1)))[0, 1]
    assert middle[0] > 190  # Half as visible, and as red.
    assert middle[2] == 0


@pytest.mark.parametrize(
    ("size", "wanted", "factor"),
    [
        ((100, 80), (30, 25), 1),
        ((100, 80), (30, 24), 2),
        ((100, 80), (12, 12), 4),
        ((100, 80), (7, 1), 8),
        ((4000, 3000), (3, 3), 512),
        ((2, 2), (5, 5), 1),
    ],
)
def test_five_thirds_of_what_is_wanted_are_left(size, wanted, factor):
    assert reduction(size, wanted) == factor


def test_squares_are_averaged():
    stripes = np.zeros((8, 8), "uint8")
    stripes[:, ::2] = 200
    small = squeeze(Image.fromarray(stripes), (8, 8), (2, 2))
    np.testing.assert_array_equal(small, np.full((2, 2), 100))


@pytest.mark.parametrize("width", [217, 225, 230, 239])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_width_that_no_square_divides_is_not_stretched(
    tmp_path, width, suffix
):
    ramp = np.linspace(0, 255, width).astype("uint8")
    pixels = np.broadcast_to(ramp[None, :, None], (230, width, 3))
    path = tmp_path / f"ramp.{suffix}"
    Image.fromarray(pixels).save(path, quality=100)
    expected = keras.ops.image.resize(
        pixels.astype("float32"), (16, 16), data_format="channels_last"
    )
    received = load_image(path, 16)
    np.testing.assert_allclose(received, expected, atol=2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_photograph_is_squeezed_alike_however_the_camera_was_held(
    tmp_path, suffix, orientation
):
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (5, 4, 3), "uint8"))
    lying = smooth.resize((217, 230), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    lying.save(path, exif=exif, quality=100)
    upright = np.array(ImageOps.exif_transpose(Image.open(path)), "float32")
    expected = keras.ops.image.resize(
        upright, (18, 16), data_format="channels_last"
    )
    received = load_image(path, (18, 16))
    assert np.abs(received - expected).mean() < 2
    assert np.abs(received - expected).max() < 6
