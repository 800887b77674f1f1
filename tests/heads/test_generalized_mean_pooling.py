import json

import keras
import numpy as np
import pytest

from keras_transfer.heads.generalized_mean_pooling import GeneralizedMeanPooling

FEATURES = (
    np.random.default_rng(0).uniform(0, 9, (2, 3, 4, 5)).astype("float32")
)


def test_exponent_one_is_average_pooling():
    np.testing.assert_allclose(
        GeneralizedMeanPooling(exponent=1)(FEATURES),
        FEATURES.mean(axis=(1, 2)),
        rtol=1e-5,
    )


def test_a_large_exponent_approaches_max_pooling():
    np.testing.assert_allclose(
        GeneralizedMeanPooling(exponent=30)(FEATURES),
        FEATURES.max(axis=(1, 2)),
        rtol=0.1,
    )


def test_the_default_is_the_cubic_mean_of_the_paper():
    np.testing.assert_allclose(
        GeneralizedMeanPooling()(FEATURES),
        (FEATURES**3).mean(axis=(1, 2)) ** (1 / 3),
        rtol=1e-5,
    )


def test_tokens_are_pooled_too():
    tokens = FEATURES.reshape(2, 12, 5)
    np.testing.assert_allclose(
        GeneralizedMeanPooling()(tokens),
        GeneralizedMeanPooling()(FEATURES),
        rtol=1e-6,
    )


def test_negative_features_give_finite_gradients():
    inputs = keras.Input((3, 4, 5))
    layer = GeneralizedMeanPooling()
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    features = np.concatenate([-FEATURES[:1], FEATURES[1:]])
    model.fit(features, np.zeros((2, 5)), verbose=0)
    (exponent,) = layer.get_weights()
    assert np.isfinite(exponent)
    assert exponent != 3


def test_large_features_do_not_overflow_half_precision():
    layer = GeneralizedMeanPooling(dtype="mixed_float16")
    pooled = np.asarray(layer(np.full((1, 2, 2, 3), 1000.0, "float16")))
    assert pooled.dtype == "float16"
    np.testing.assert_allclose(pooled, 1000, rtol=1e-2)


def test_its_configuration_round_trips():
    layer = GeneralizedMeanPooling(exponent=2, epsilon=1e-3, name="gem")
    config = json.loads(json.dumps(layer.get_config()))
    assert GeneralizedMeanPooling.from_config(config).get_config() == config
    assert (config["exponent"], config["epsilon"]) == (2.0, 1e-3)


@pytest.mark.parametrize("argument", ["exponent", "epsilon"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "must be positive"),
        (float("inf"), ValueError, "must be positive"),
        ("3", TypeError, "must be a positive number"),
        (True, TypeError, "must be a positive number"),
    ],
)
def test_a_bad_argument_is_explained(argument, value, error, message):
    with pytest.raises(error, match=f"`{argument}` {message}"):
        GeneralizedMeanPooling(**{argument: value})


def test_vectors_are_refused():
    with pytest.raises(ValueError, match="expects feature maps of rank 4"):
        GeneralizedMeanPooling().build((None, 5))
