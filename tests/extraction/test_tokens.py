"""Tokens of transformers as maps."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.extraction.networks import numpy
from tests.extraction.networks import random
from tests.transformers import build_vit


@pytest.fixture
def model():
    vit = build_vit(blocks=2)
    image = keras.Input((32, 48, 3))
    x = keras.layers.Lambda(lambda t: t[:, 0], name="class")(vit(image))
    return keras.Model(image, keras.layers.Dense(2, name="out")(x))


SELECTORS = ["vit/patches", "vit/encoder_1_add_2", "vit", "out"]


def test_tokens_of_patches_become_maps_and_all_else_stays(model):
    x = random(2, 32, 48, 3)
    tokens = kt.build_extractor(model, SELECTORS)(x)
    maps = kt.build_extractor(model, SELECTORS, tokens="grid")(x)
    for name in ("vit/encoder_1_add_2", "vit"):
        assert tuple(maps[name].shape) == (2, 4, 6, 8)
        np.testing.assert_array_equal(
            numpy(maps[name]).reshape(2, 24, 8), numpy(tokens[name])[:, 1:]
        )
    for name in ("vit/patches", "out"):
        np.testing.assert_array_equal(numpy(maps[name]), numpy(tokens[name]))


def test_the_average_is_over_patches_alone(model):
    x = random(2, 32, 48, 3)
    tokens = kt.build_extractor(model, "vit")(x)["vit"]
    pooled = kt.build_extractor(model, "vit", tokens="grid", pooling="avg")(x)
    np.testing.assert_allclose(
        numpy(pooled["vit"]), numpy(tokens)[:, 1:].mean(axis=1), atol=1e-6
    )


def test_tokens_of_no_known_grid_are_refused():
    words = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(10, 4, name="embedding")(words)
    model = keras.Model(words, keras.layers.Dense(2, name="out")(x))
    with pytest.raises(ValueError, match="grid of the tokens .* unknown"):
        kt.build_extractor(model, "embedding", tokens="grid")


def test_a_treatment_that_does_not_exist_or_cannot_work_is_refused(model):
    with pytest.raises(ValueError, match="None or 'grid'. Received: 'map'"):
        kt.build_extractor(model, "vit", tokens="map")
    with pytest.raises(ValueError, match="these activations are recorded"):
        kt.build_extractor(model, "vit", tokens="grid", mode="record")
