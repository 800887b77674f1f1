import keras
import numpy as np
import pytest

from keras_transfer.heads.attention_pooling import AttentionPooling

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


def test_the_weights_are_those_of_the_formula():
    layer = AttentionPooling(6)
    pooled = np.asarray(layer(FEATURES))
    tokens = FEATURES.reshape(2, 12, 5)
    hidden, hidden_bias = (np.asarray(w) for w in layer.hidden.weights)
    gate, gate_bias = (np.asarray(w) for w in layer.gate.weights)
    (score,) = (np.asarray(w) for w in layer.score.weights)
    gated = np.tanh(tokens @ hidden + hidden_bias) / (
        1 + np.exp(-(tokens @ gate + gate_bias))
    )
    exponentials = np.exp(gated @ score)
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        pooled, (weights * tokens).sum(axis=1), atol=1e-5
    )
    np.testing.assert_allclose(
        layer.attention_weights(FEATURES),
        weights.reshape(2, 3, 4),
        atol=1e-6,
    )


def test_tokens_are_pooled_as_their_grid_is():
    layer = AttentionPooling(6, gated=False)
    grid = layer(FEATURES)
    tokens = FEATURES.reshape(2, 12, 5)
    np.testing.assert_allclose(layer(tokens), grid, atol=1e-6)
    assert layer.attention_weights(tokens).shape == (2, 12)


def test_the_order_of_positions_does_not_matter():
    layer = AttentionPooling(6)
    np.testing.assert_allclose(
        layer(FEATURES), layer(FEATURES[:, ::-1, ::-1]), atol=1e-6
    )


@pytest.mark.usefixtures("channels_first")
def test_channels_first_is_read_as_such():
    layer = AttentionPooling(6)
    first = layer(np.moveaxis(FEATURES, -1, 1))
    np.testing.assert_allclose(
        first, layer(FEATURES.reshape(2, 12, 5)), atol=1e-6
    )


def test_the_softmax_is_float32_under_mixed_precision():
    layer = AttentionPooling(6, dtype="mixed_float16")
    assert layer.attention_weights(layer_input(layer)).dtype == "float32"
    assert layer(FEATURES).dtype == "float16"


def layer_input(layer):
    layer.build(FEATURES.shape)
    return FEATURES


def test_a_bad_width_is_explained():
    with pytest.raises(ValueError, match="`attention_units` must be at least"):
        AttentionPooling(0)
    with pytest.raises(TypeError, match="attention_units=True of type bool"):
        AttentionPooling(True)


def test_a_bad_gate_is_explained():
    with pytest.raises(TypeError, match="`gated` must be True or False"):
        AttentionPooling(gated="yes")


def test_vectors_are_refused():
    with pytest.raises(ValueError, match="attention chooses among positions"):
        AttentionPooling().build((None, 5))
