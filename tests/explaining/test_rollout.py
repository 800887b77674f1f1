"""Attention rollout, against a product by hand."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining.networks import IMAGES

DIM = 8


@keras.saving.register_keras_serializable("tests")
class ClassToken(keras.layers.Layer):
    def build(self, shape):
        self.token = self.add_weight((1, 1, shape[-1]), name="token")

    def call(self, tokens):
        first = keras.ops.ones_like(tokens[:, :1]) * self.token
        return keras.ops.concatenate([first, tokens], axis=1)


def encoder(has_class_token, with_scores=False):
    image = keras.Input((12, 10, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(DIM, 2, 2, name="patches")(x)
    x = keras.layers.Reshape((30, DIM))(x)
    if has_class_token:
        x = ClassToken()(x)
    for number in (1, 2):
        layer = keras.layers.MultiHeadAttention(2, 4, name=f"attend_{number}")
        if with_scores:
            attended, _ = layer(x, x, return_attention_scores=True)
        else:
            attended = layer(x, x)
        x = keras.layers.Add(name=f"add_{number}")([x, attended])
    return keras.Model(image, x, name="encoder")


def classifier(has_class_token, with_scores=False):
    body = encoder(has_class_token, with_scores)
    image = keras.Input((12, 10, 3))
    x = body(image)
    x = x[:, 0] if has_class_token else keras.ops.mean(x, axis=1)
    return keras.Model(image, keras.layers.Dense(3, "softmax")(x))


def by_hand(model, has_class_token):
    body = model.get_layer("encoder")
    mixed = np.eye(31 if has_class_token else 30)[None]
    for number in (1, 2):
        layer = body.get_layer(f"attend_{number}")
        before = keras.Model(body.input, body.get_layer(f"add_{number}").input)
        x = keras.ops.convert_to_tensor(before(IMAGES)[0])
        _, scores = layer(x, x, return_attention_scores=True)
        scores = keras.ops.convert_to_numpy(scores).mean(axis=1)
        mixed = (0.5 * scores + 0.5 * np.eye(scores.shape[-1])) @ mixed
    heat = mixed[:, 0, 1:] if has_class_token else mixed.mean(axis=1)
    return heat.reshape(3, 6, 5)


@pytest.mark.parametrize("has_class_token", [True, False])
@pytest.mark.parametrize("with_scores", [True, False])
def test_rollout_is_the_product_of_all_layers(has_class_token, with_scores):
    model = classifier(has_class_token, with_scores)
    heat = kt.attention_rollout(model, IMAGES, upsample=False)
    np.testing.assert_allclose(heat, by_hand(model, has_class_token), atol=1e-5)
    assert np.ptp(heat) > 1e-4
    assert kt.attention_rollout(model, IMAGES).shape == (3, 12, 10)


def test_attention_of_plain_operations_is_found():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(DIM, 2, 2)(image / 255)
    x = keras.layers.Reshape((30, DIM))(x)
    query = keras.layers.Dense(DIM)(x)[:, None]
    scores = keras.ops.softmax(query @ keras.ops.swapaxes(query, -1, -2))
    x = keras.ops.squeeze(scores @ query, axis=1)
    outputs = keras.layers.Dense(2, "softmax")(keras.ops.mean(x, axis=1))
    model = keras.Model(image, outputs)
    expected = keras.ops.convert_to_numpy(keras.Model(image, scores)(IMAGES))
    expected = (expected[:, 0].mean(axis=1) + 1 / 30) / 2
    heat = kt.attention_rollout(model, IMAGES, upsample=False)
    np.testing.assert_allclose(heat, expected.reshape(3, 6, 5), atol=1e-5)


def test_grad_cam_leaves_the_class_token_out():
    model = classifier(has_class_token=True)
    heat = kt.grad_cam(model, IMAGES, 1, at="encoder/add_1", upsample=False)
    assert heat.shape == (3, 6, 5)


def test_registers_are_left_out_and_the_first_token_is_the_class():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(DIM, 2, 2)(image / 255)
    x = keras.layers.ZeroPadding1D((5, 0))(keras.layers.Reshape((30, DIM))(x))
    x = keras.layers.Dense(DIM, bias_initializer="ones", name="tokens")(x)
    x = keras.layers.Add(name="add")(
        [x, keras.layers.MultiHeadAttention(2, 4, name="attend")(x, x)]
    )
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(x[:, 0]))
    tokens = keras.Model(image, model.get_layer("tokens").output)(IMAGES)
    attend = model.get_layer("attend")
    _, scores = attend(tokens, tokens, return_attention_scores=True)
    scores = keras.ops.convert_to_numpy(scores).mean(axis=1)
    heat = kt.attention_rollout(model, IMAGES, upsample=False)
    np.testing.assert_allclose(
        heat, scores[:, 0, 5:].reshape(3, 6, 5) / 2, atol=1e-5
    )
    heat = kt.eigen_cam(model, IMAGES, at="add", upsample=False)
    assert heat.shape == (3, 6, 5)


def test_windows_have_no_rollout():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(DIM, 2, 2)(image)
    windows = keras.ops.reshape(x, (-1, 1, 6, DIM))
    scores = keras.ops.softmax(windows @ keras.ops.swapaxes(windows, -1, -2))
    x = keras.ops.reshape(scores @ windows, (-1, 30, DIM))
    outputs = keras.layers.Dense(2)(keras.ops.mean(x, axis=1))
    with pytest.raises(ValueError, match="over windows or channels, so there"):
        kt.attention_rollout(keras.Model(image, outputs), IMAGES)


def test_channels_have_no_rollout_even_if_they_would_fill_a_grid():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(30, (3, 2), (3, 2))(image)
    rows = keras.layers.Reshape((20, 30))(x)[:, None]
    scores = keras.ops.softmax(keras.ops.swapaxes(rows, -1, -2) @ rows)
    x = keras.ops.squeeze(rows @ scores, axis=1)
    outputs = keras.layers.Dense(2)(keras.ops.mean(x, axis=1))
    with pytest.raises(ValueError, match="over windows or channels, so there"):
        kt.attention_rollout(keras.Model(image, outputs), IMAGES)


def test_a_convolutional_network_has_no_rollout():
    image = keras.Input((12, 10, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, keras.layers.Dense(2, "softmax")(x))
    with pytest.raises(ValueError, match="No attention scores can be had"):
        kt.attention_rollout(model, IMAGES)


def test_layers_of_different_tokens_have_no_rollout():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Reshape((30, DIM))(keras.layers.Conv2D(DIM, 2, 2)(image))
    x = keras.layers.MultiHeadAttention(1, 4)(x, x)
    x = ClassToken()(x)
    x = keras.layers.MultiHeadAttention(1, 4)(x, x)
    model = keras.Model(image, keras.layers.Dense(2)(x[:, 0]))
    with pytest.raises(ValueError, match=r"different numbers of tokens, \[30"):
        kt.attention_rollout(model, IMAGES)
