"""Small networks whose outputs depend on every weight and on every image."""

import keras
import numpy as np

from keras_transfer import compat


def lively(model, seed=0):
    """Gives a model weights that let its outputs vary, as training does.

    Fresh networks return nearly the same for every image.
    """
    rng = np.random.default_rng(seed)
    for layer in compat.sublayers(model):
        for weight in compat.own_variables(layer):
            shape, name = tuple(weight.shape), weight.name
            if name in ("gamma", "moving_variance", "variance", "scale"):
                value = rng.uniform(0.5, 1.5, shape)
            elif "kernel" in name and len(shape) > 1:
                fan_in = np.prod(shape[:-1])
                if name == "depthwise_kernel" or "Depthwise" in str(
                    type(layer)
                ):
                    fan_in = np.prod(shape[:2])
                value = rng.normal(0, np.sqrt(2 / fan_in), shape)
            elif weight.dtype.startswith(("float", "bfloat")) and shape:
                value = rng.normal(0, 0.3, shape)
            else:
                continue
            weight.assign(value)
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # What it computes with is a copy.
    return model


def convolutional(size=16, width=4):
    """Convolutions with and without bias, each with BatchNormalization."""
    image = keras.Input((size, size, 3))
    x = keras.layers.ZeroPadding2D(1, name="pad")(image)
    x = keras.layers.Conv2D(width, 3, 2, use_bias=False, name="conv_1")(x)
    x = keras.layers.BatchNormalization(name="bn_1")(x)
    x = keras.layers.ReLU(6.0)(x)
    x = keras.layers.DepthwiseConv2D(
        3, padding="same", depth_multiplier=2, name="depthwise"
    )(x)
    x = keras.layers.BatchNormalization(scale=False, name="bn_2")(x)
    x = keras.layers.Activation("hard_silu")(x)
    x = keras.layers.Conv2D(2 * width, 1, name="conv_2")(x)
    x = keras.layers.BatchNormalization(center=False, name="bn_3")(x)
    return keras.Model(image, x, name="convolutional")


def tapped(size=16):
    """Two convolutions, of which an auxiliary head can read the first."""
    image = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(4, 3, 2, name="low")(image)
    x = keras.layers.Conv2D(8, 3, 2, name="high")(x)
    return keras.Model(image, x, name="tapped")


def transformer(size=32, patch=8, width=16):
    """Patches, position embeddings, attention with residuals: a small ViT."""
    image = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(width, patch, patch, name="patches")(image)
    x = keras.layers.Reshape((-1, width))(x)
    x = Positions(name="positions")(x)
    for block in (1, 2):
        y = keras.layers.LayerNormalization(name=f"norm_{block}")(x)
        y = keras.layers.MultiHeadAttention(
            2, width // 2, dropout=0.1, name=f"attention_{block}"
        )(y, y)
        x = keras.layers.Add()([x, y])
        y = keras.layers.LayerNormalization(name=f"mlp_norm_{block}")(x)
        y = keras.layers.Dense(2 * width, "gelu", name=f"mlp_{block}")(y)
        y = keras.layers.Dense(width, name=f"out_{block}")(y)
        x = x + keras.layers.Dropout(0.1)(y)
    return keras.Model(image, x, name="transformer")


@keras.saving.register_keras_serializable("test_exporting")
class Positions(keras.layers.Layer):
    """A plugin's layer that computes with a weight of its own."""

    def build(self, input_shape):
        self.table = self.add_weight(shape=input_shape[1:], name="table")

    def call(self, tokens):
        return tokens + self.table
