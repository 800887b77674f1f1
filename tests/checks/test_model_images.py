"""Images in the form in which a model takes them."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.checks.model_images import as_inputs
from tests.conftest import build_tiny

PIXELS = np.full((2, 32, 32, 3), 100.0)


@pytest.fixture
def siamese():
    left = keras.Input((4, 4, 3), name="left")
    right = keras.Input((2,), name="right")
    x = keras.layers.Flatten()(left)
    return keras.Model([left, right], keras.layers.Concatenate()([x, right]))


def test_one_image_needs_no_batch_axis(tiny_model):
    (batch,) = as_inputs(tiny_model, PIXELS[0].astype("uint8"))
    np.testing.assert_array_equal(batch, PIXELS[:1])
    assert batch.dtype == np.float32


def test_files_are_decoded(tiny_model, tmp_path):
    keras.utils.save_img(tmp_path / "a.png", PIXELS[0], scale=False)
    for paths in (tmp_path / "a.png", [str(tmp_path / "a.png")]):
        (batch,) = as_inputs(tiny_model, paths)
        np.testing.assert_array_equal(batch, PIXELS[:1])


def test_several_inputs_by_position_or_name(siamese):
    images, figures = np.ones((2, 4, 4, 3)), np.zeros((2, 2))
    for given in ([images, figures], {"right": figures, "left": images}):
        batches = as_inputs(siamese, given)
        assert [batch.shape for batch in batches] == [(2, 4, 4, 3), (2, 2)]


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 16, 32, 3)), r"images of shape \(batch, 32, 32, 3\)"),
        (np.zeros((2, 32, 32, 1)), "1 channels need a backbone"),
        (np.zeros((0, 32, 32, 3)), "There is no image"),
        (np.full((1, 32, 32, 3), np.nan), "must be finite.*3072 places"),
        (PIXELS + 200, "between 300 and 300, but .* expects 0 to 255"),
        (PIXELS - 200, "The pixels lie between -100"),
        (np.full((1, 32, 32, 3), "a"), "Images must be numbers"),
        ([], "images of shape"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tiny_model, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_inputs(tiny_model, images)


def test_a_model_that_says_nothing_of_its_range_takes_any():
    assert as_inputs(build_tiny(), PIXELS - 200)[0].min() == -100


def test_scaled_pixels_are_warned_of(tiny_model):
    pixels = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3))
    with pytest.warns(UserWarning, match="expects 0 to 255"):
        as_inputs(tiny_model, pixels)


def test_every_input_is_needed(siamese):
    with pytest.raises(ValueError, match="has 2 inputs: pass a list"):
        as_inputs(siamese, np.ones((2, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"expects the inputs \['left'"):
        as_inputs(siamese, {"left": np.ones((2, 4, 4, 3))})
    with pytest.raises(ValueError, match=r"equally many images.*\[2, 3\]"):
        as_inputs(siamese, [np.ones((2, 4, 4, 3)), np.ones((3, 2))])


def test_files_need_a_fixed_size(tmp_path):
    model = kt.build_model(build_tiny((None, None, 3)), kt.heads.LinearHead(2))
    keras.utils.save_img(tmp_path / "a.png", PIXELS[0], scale=False)
    with pytest.raises(ValueError, match="has no fixed image size"):
        as_inputs(model, tmp_path / "a.png")


def test_files_are_read_for_one_input_alone(tmp_path):
    inputs = [keras.Input((4, 4, 3)), keras.Input((2,))]
    x = keras.layers.Flatten()(inputs[0])
    model = keras.Model(inputs, keras.layers.Concatenate()([x, inputs[1]]))
    with pytest.raises(ValueError, match="take one batch of images.*arrays"):
        as_inputs(model, tmp_path / "a.png")
