"""Interpolation gives Keras's pixels, as whole numbers."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from keras_transfer.data.resizing import interpolate
from keras_transfer.data.resizing import reduce_far_larger

side = st.integers(1, 80)
MODES = {"L": 1, "RGB": 3}


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(side, side),
    wanted=st.tuples(side, side),
    mode=st.sampled_from(sorted(MODES)),
    seed=st.integers(0, 99),
)
def test_pixels_are_those_of_keras_rounded_down(size, wanted, mode, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (*size, MODES[mode]), "uint8")
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    expected = keras.ops.image.resize(
        pixels.astype("float32"), wanted, data_format="channels_last"
    )
    received = np.asarray(interpolate(image, wanted)).reshape(*wanted, -1)
    less = keras.ops.convert_to_numpy(expected) - received
    assert less.min() > -0.01
    assert less.max() < 1.01


def test_what_is_transparent_has_no_colour():
    image = Image.fromarray(
        np.array([[[200, 0, 0, 255], [0, 0, 250, 0]]], "uint8")
    )
    middle = np.asarray(interpolate(image, (1, 3)))[0, 1]
    assert middle[0] > 190  # Half as visible, and as red.
    assert middle[2] == 0


@pytest.mark.parametrize(
    ("size", "enough", "left"),
    [
        ((100, 80), (51, 20), (100, 80)),
        ((100, 80), (50, 20), (50, 40)),
        ((100, 80), (25, 20), (25, 20)),
        ((101, 81), (25, 20), (26, 21)),
        ((100, 80), (30, 1), (50, 40)),
        ((4000, 3000), (10, 10), (16, 12)),
    ],
)
def test_enough_is_left(size, enough, left):
    assert reduce_far_larger(Image.new("RGB", size), enough).size == left


def test_squares_are_averaged():
    stripes = np.zeros((8, 8), "uint8")
    stripes[:, ::2] = 200
    reduced = reduce_far_larger(Image.fromarray(stripes), (2, 2))
    np.testing.assert_array_equal(reduced, np.full((2, 2), 100))
