"""Embeddings: activations pooled to vectors."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_transfer as kt
from keras_transfer.extraction.pooling import ActivationPooling
from tests.extraction.networks import numpy
from tests.extraction.networks import random


@pytest.fixture
def model():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, 2, "same", activation="relu", name="maps")(image)
    tokens = layers.Reshape((16, 4), name="tokens")(x)
    x = layers.GlobalAveragePooling1D(name="pool_0")(tokens)
    inner = keras.Model(image, layers.Dense(5, name="vector")(x), name="inner")
    outer = keras.Input((8, 8, 3))
    return keras.Model(outer, inner(outer))


REFERENCES = {
    "avg": lambda x: x.mean(axis=1),
    "max": lambda x: x.max(axis=1),
    "gem": lambda x: (np.maximum(x, 1e-6) ** 3).mean(axis=1) ** (1 / 3),
}


@pytest.mark.parametrize("mode", ["graph", "record"])
@pytest.mark.parametrize("pooling", REFERENCES)
def test_maps_and_tokens_become_vectors(model, pooling, mode):
    selectors = ["maps", "tokens", "vector"]
    x = random(2, 8, 8, 3)
    plain = kt.build_extractor(model, selectors, mode=mode)(x)
    pooled = kt.build_extractor(model, selectors, pooling=pooling, mode=mode)
    vectors = pooled(x)
    positions = numpy(plain["maps"]).reshape(2, 16, 4)
    expected = REFERENCES[pooling](positions)
    for name in ("maps", "tokens"):
        np.testing.assert_allclose(
            numpy(vectors[name]), expected, rtol=1e-4, atol=1e-6
        )
    np.testing.assert_array_equal(
        numpy(vectors["vector"]), numpy(plain["vector"])
    )
    # Nothing of its own that could be trained.
    assert {id(v) for v in pooled.variables} <= {id(v) for v in model.variables}


def test_layers_of_the_model_may_be_called_like_ours(model):
    inner = model.get_layer("inner")
    extractor = kt.build_extractor(inner, ["pool_0", "maps"], pooling="avg")
    assert set(extractor(random(1, 8, 8, 3))) == {"pool_0", "maps"}


def test_half_precision_does_not_overflow():
    features = keras.ops.full((1, 2, 2, 3), 60.0, dtype="float16")
    pooled = ActivationPooling("gem", dtype="mixed_float16")(features)
    np.testing.assert_allclose(numpy(pooled), 60.0, rtol=1e-2)
    assert keras.backend.standardize_dtype(pooled.dtype) == "float16"


def test_an_unknown_pooling_is_refused(model):
    with pytest.raises(ValueError, match="'gem'. Received: 'mean'"):
        kt.build_extractor(model, "maps", pooling="mean")
