"""The activation grid as an array."""

import numpy as np
import pytest

import keras_transfer as kt

NAN = np.nan


def test_the_golden_grid():
    maps = np.zeros((2, 3, 5))
    maps[..., 0] = [[0, 1, 2], [3, 4, 5]]
    maps[..., 1] = 7
    maps[..., 3] = [[-1, 0, 1], [1, 0, -1]]
    maps[..., 4] = [[1e300, 0, 0], [0, 0, -1e300]]
    grid = kt.activation_grid(maps, columns=3)
    expected = [
        [0.0, 0.2, 0.4, NAN, 0.5, 0.5, 0.5, NAN, 0.0, 0.0, 0.0],
        [0.6, 0.8, 1.0, NAN, 0.5, 0.5, 0.5, NAN, 0.0, 0.0, 0.0],
        [NAN] * 11,
        [0.0, 0.5, 1.0, NAN, 1.0, 0.5, 0.5, NAN, NAN, NAN, NAN],
        [1.0, 0.5, 0.0, NAN, 0.5, 0.5, 0.0, NAN, NAN, NAN, NAN],
    ]
    np.testing.assert_allclose(grid.pixels, expected, atol=1e-7)
    assert grid.channels == (0, 1, 2, 3, 4)
    assert grid.dead == (2,)
    assert grid.omitted == 0
    assert grid.corner(4) == (3, 4)


def test_many_channels_are_capped_to_those_that_vary_most():
    maps = np.zeros((2, 2, 100))
    maps[0, 0] = np.arange(100)
    grid = kt.activation_grid(maps, channels=4)
    assert grid.channels == (96, 97, 98, 99)
    assert grid.omitted == 96


@pytest.mark.parametrize("number", [1, 2, 7, 64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (9, 3)])
def test_grids_of_any_number_hold_every_map(number, shape):
    maps = np.random.default_rng(0).normal(size=(*shape, number))
    grid = kt.activation_grid(maps, gap=2)
    for position, channel in enumerate(grid.channels):
        top, left = grid.corner(position)
        cell = grid.pixels[top : top + shape[0], left : left + shape[1]]
        one = maps[..., channel]
        spread = np.ptp(one)
        expected = (one - one.min()) / spread if spread else np.full(shape, 0.5)
        np.testing.assert_allclose(cell, expected, atol=1e-6)
    cells = number * shape[0] * shape[1]
    assert np.isfinite(grid.pixels).sum() == cells


def test_named_channels_are_shown_in_their_order():
    maps = np.arange(12.0).reshape(1, 3, 4)
    assert kt.activation_grid(maps, channels=[3, 1]).channels == (3, 1)


@pytest.mark.parametrize(
    ("maps", "arguments", "sentence"),
    [
        (np.ones((2, 2)), {}, "the maps of one image"),
        (np.ones((2, 0, 3)), {}, "the maps of one image"),
        (np.full((2, 2, 1), np.inf), {}, "infinity in 4 places"),
        (np.ones((2, 2, 3)), {"channels": [3]}, r"0 to 2. Received: \[3\]"),
        (np.ones((2, 2, 3)), {"channels": []}, "must name channels"),
        (np.ones((2, 2, 3)), {"channels": 0}, "`channels` must be a whole"),
        (np.ones((2, 2, 3)), {"columns": 0}, "`columns` must be a whole"),
        (np.ones((2, 2, 3)), {"gap": -1}, "`gap` must be a whole number"),
    ],
)
def test_what_is_no_grid_is_one_sentence(maps, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.activation_grid(maps, **arguments)
