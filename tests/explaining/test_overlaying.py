"""Explanations over images."""

import numpy as np
import pytest

import keras_transfer as kt

GRAY = np.full((8, 8, 3), 100, "uint8")


def test_where_there_is_no_heat_the_photograph_stays():
    heat = np.zeros((8, 8))
    heat[2, 3] = 1
    mixed = kt.overlay(GRAY, heat)
    changed = (mixed != GRAY).any(axis=-1)
    assert changed.sum() == 1
    assert changed[2, 3]


def test_signed_heat_is_red_for_and_blue_against():
    heat = np.zeros((8, 8))
    heat[:, :2], heat[:, 6:] = 1, -1
    red, _, blue = kt.overlay(GRAY, heat).astype(int)[4].T
    assert red[0] > blue[0] + 20
    assert blue[7] > red[7] + 20
    assert red[4] == blue[4]


def test_small_heat_is_enlarged_and_nothing_is_no_error():
    heat = np.array([[0.0, 0.0], [0.0, 1.0]])
    mixed = kt.overlay(GRAY, heat)
    strength = np.abs(mixed.astype(int) - GRAY).sum(axis=-1)
    assert strength[6:, 6:].min() > strength[:3, :3].max()
    np.testing.assert_array_equal(kt.overlay(GRAY, np.zeros((8, 8))), GRAY)
    gray = kt.overlay(GRAY[..., :1], np.zeros((8, 8)))
    np.testing.assert_array_equal(gray, GRAY)


def test_blur_joins_single_pixels():
    heat = np.zeros((8, 8))
    heat[3:6:2, 3] = 1
    sharp = kt.overlay(GRAY, heat).astype(int)
    soft = kt.overlay(GRAY, heat, blur=1.0).astype(int)
    assert (sharp[4, 3] == 100).all()
    assert (soft[4, 3] != 100).any()
    constant = np.ones((8, 8))
    np.testing.assert_array_equal(
        kt.overlay(GRAY, constant), kt.overlay(GRAY, constant, blur=2)
    )


def test_each_image_is_drawn_beside_its_explanation(tmp_path):
    images = np.random.default_rng(0).uniform(0, 255, (3, 8, 10, 3))
    heat = np.random.default_rng(1).uniform(0, 1, (3, 8, 10))
    path = tmp_path / "heat.png"
    figure = kt.plot_explanation(
        images, heat, titles=["ant", "bee", "wasp"], path=path
    )
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 6
    titles = [axes.get_title(loc="left") for axes in drawn]
    assert titles == ["ant", "", "bee", "", "wasp", ""]
    np.testing.assert_array_equal(
        drawn[3].images[0].get_array(), kt.overlay(images[1], heat[1])
    )
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((GRAY[..., 0], np.ones((8, 8))), "takes one image"),
        ((GRAY, np.ones((1, 8, 8))), "takes one image"),
        ((GRAY, np.full((8, 8), np.nan)), "is not finite"),
    ],
)
def test_shapes_are_checked(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.overlay(*arguments)


def test_numbers_are_checked():
    with pytest.raises(ValueError, match="`alpha` must be above 0"):
        kt.overlay(GRAY, np.ones((8, 8)), alpha=0)
    with pytest.raises(ValueError, match="`blur` must be a width"):
        kt.overlay(GRAY, np.ones((8, 8)), blur=-1)


def test_numbers_of_images_are_checked():
    with pytest.raises(ValueError, match="equally many"):
        kt.plot_explanation(GRAY, np.ones((2, 8, 8)))
    with pytest.raises(ValueError, match="one for each of 1 images"):
        kt.plot_explanation(GRAY, np.ones((1, 8, 8)), titles=["a", "b"])


def test_dollar_signs_of_a_class_are_no_mathematics(tmp_path):
    path = tmp_path / "a.png"
    figure = kt.plot_explanation(
        GRAY, np.ones((1, 8, 8)), titles=["loss_$_$"], path=path
    )
    # With mathematics on, drawing it raises.
    assert figure.axes[0].get_title(loc="left") == "loss_$_$"
    assert path.exists()
