"""Tokens go back to where they come from in the image."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure.token_grid import grid_of
from tests.transformers import build_vit


def test_a_patch_lies_where_it_was_cut_from_an_image_that_is_not_square():
    image = keras.Input((16, 24, 1))
    x = keras.layers.Conv2D(2, 8, 8, name="patches", use_bias=False)(image)
    tokens = keras.layers.Reshape((-1, 2))(x)
    tokens = keras.layers.ZeroPadding1D((3, 0))(tokens)
    model = kt.features_as_grid(keras.Model(image, tokens, name="cutter"))
    assert model.name == "cutter"
    maps = keras.Model(image, x)
    pixels = np.random.default_rng(0).normal(size=(2, 16, 24, 1))
    np.testing.assert_array_equal(model(pixels), maps(pixels))


@pytest.mark.parametrize(
    ("shape", "grid"), [((32, 48, 3), (4, 6)), ((39, 31, 3), (4, 3))]
)
def test_the_grid_of_a_transformer_is_that_of_its_patches(shape, grid):
    model = kt.features_as_grid(build_vit(shape))
    assert model.output_shape == (None, *grid, 8)
    layer = model.get_layer("grid")
    assert (layer.height, layer.width, layer.prefix_tokens) == (*grid, 1)


def test_tokens_inside_a_block_have_a_grid():
    vit = build_vit(blocks=2)
    tensor = vit.get_layer("encoder_1_norm_2").output
    layer = grid_of(vit, tensor)
    assert tuple(layer(tensor).shape) == (None, 4, 6, 8)


def test_stages_and_the_average_of_patches_follow(tmp_path):
    spec = kt.BackboneSpec(build_vit, "my/vit", license="MIT")
    backbone = kt.create_backbone(
        spec, weights=None, input_shape=(32, 48, 3), blocks=2
    )
    grid = kt.features_as_grid(backbone)
    assert [(s.name, s.last_layer) for s in kt.stages_of(grid)] == [
        ("stem", "embedded"),
        ("block_1", "encoder_1_add_2"),
        ("block_2", "grid"),
    ]
    model = kt.build_model(grid, kt.heads.LinearHead(3, activation=None))
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 48, 3))
    patches = np.asarray(backbone(images))[:, 1:]
    expected = model.get_layer("head").predictions(patches.mean(axis=1))
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    kt.save_model(model, tmp_path / "m.keras")
    revived = kt.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(revived(images), model(images))
    assert kt.info(revived).backbone["name"] == "my/vit"


def test_maps_are_no_tokens(tiny_backbone):
    with pytest.raises(ValueError, match="Only tokens, .* shape .None, 4, 4"):
        kt.features_as_grid(tiny_backbone())


def test_a_grid_that_is_unknown_is_said_to_be():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 8, 8, name="patches")(image)
    x = keras.layers.Reshape((-1, 2))(x)
    with pytest.raises(ValueError, match="Give the backbone an `input_shape`"):
        kt.features_as_grid(keras.Model(image, x))


def test_a_wrong_number_of_tokens_is_refused():
    layer = kt.TokensToGrid(2, 3, prefix_tokens=1)
    with pytest.raises(ValueError, match=r"expects 1 \+ 2 x 3 tokens, .*7, ch"):
        layer(np.ones((1, 6, 4)))
