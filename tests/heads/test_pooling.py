import keras
import numpy as np
import pytest

from keras_transfer.heads.pooling import build_pooling

FEATURES = (
    np.random.default_rng(0).uniform(0, 9, (2, 3, 4, 5)).astype("float32")
)
TOKENS = FEATURES.reshape(2, 12, 5)


@pytest.mark.parametrize("features", [FEATURES, TOKENS])
@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("avg", TOKENS.mean(axis=1)),
        ("max", TOKENS.max(axis=1)),
        ("gem", (TOKENS**3).mean(axis=1) ** (1 / 3)),
        ("flatten", FEATURES.reshape(2, -1)),
    ],
)
def test_each_pooling_makes_vectors(pooling, expected, features):
    layer = build_pooling(pooling, features.shape)
    assert layer.name == "pool"
    np.testing.assert_allclose(layer(features), expected, rtol=1e-5)


def test_the_class_token_is_the_first():
    layer = build_pooling("token", TOKENS.shape)
    assert layer.name == "pool"
    np.testing.assert_array_equal(layer(TOKENS), TOKENS[:, 0])


@pytest.mark.parametrize("shape", [FEATURES.shape, (None, 5)])
def test_only_tokens_hold_a_class_token(shape):
    with pytest.raises(ValueError, match="'token' takes the first of the tok"):
        build_pooling("token", shape)


@pytest.mark.parametrize("pooling", ["avg", "max", "gem", "flatten", None])
def test_vectors_stay_as_they_are(pooling):
    vectors = TOKENS[:, 0]
    layer = build_pooling(pooling, vectors.shape)
    np.testing.assert_array_equal(layer(vectors), vectors)


def test_the_dtype_policy_is_handed_on():
    policy = keras.DTypePolicy("mixed_float16")
    for pooling in ("avg", "max", "gem", "flatten"):
        layer = build_pooling(pooling, FEATURES.shape, policy)
        assert layer.compute_dtype == "float16"
    layer = build_pooling("token", TOKENS.shape, policy)
    assert layer.compute_dtype == "float16"
    # An export copies it so; Keras derives no configuration from a policy.
    copy = type(layer).from_config(layer.get_config())
    assert copy.compute_dtype == "float16"


@pytest.mark.parametrize(
    ("pooling", "error", "message"),
    [
        (
            "average",
            ValueError,
            "Expected one of 'avg', 'max', 'flatten', 'gem', 'token'",
        ),
        ("mxa", ValueError, "Did you mean 'max'?"),
        (3, TypeError, "pooling=3 of type int"),
        (["avg"], TypeError, "of type list"),
    ],
)
def test_an_unknown_pooling_is_explained(pooling, error, message):
    with pytest.raises(error, match=message):
        build_pooling(pooling, FEATURES.shape)


@pytest.mark.parametrize("shape", [(None, None, None, 5), (None, None, 5)])
def test_flatten_needs_a_known_size(shape):
    with pytest.raises(ValueError, match="input_shape=.*or use pooling='avg'"):
        build_pooling("flatten", shape)


def test_feature_maps_need_a_pooling():
    with pytest.raises(ValueError, match="pooling=None expects features of"):
        build_pooling(None, (None, 7, 7, 5))


@pytest.mark.parametrize(
    "shape", [(2,), (2, 3, 4, 5, 6), [(2, 5), (2, 5)], "2345"]
)
def test_anything_but_one_tensor_of_features_is_refused(shape):
    with pytest.raises(ValueError, match="A head reads one tensor"):
        build_pooling("avg", shape)
