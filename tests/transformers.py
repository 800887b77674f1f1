"""A small vision transformer of stock layers."""

import keras
from keras import ops


def build_vit(input_shape=(32, 48, 3), blocks=3, width=8, name="vit"):
    """Patches of 8 pixels, a class token, blocks of two residual branches."""
    image = keras.Input(input_shape)
    x = keras.layers.Conv2D(width, 8, 8, name="patches")(image)
    x = keras.layers.Reshape((-1, width), name="tokens")(x)
    x = keras.layers.ZeroPadding1D((1, 0), name="class_token")(x)
    # Counts tokens, in stock layers, so that each has a position to learn.
    ones = ops.ones_like(x[:, :, 0], dtype="int32")
    positions = keras.layers.Embedding(x.shape[1], width, name="positions")(
        ops.cumsum(ones, axis=1) - 1
    )
    x = keras.layers.Add(name="embedded")([x, positions])
    for number in range(1, blocks + 1):
        prefix = f"encoder_{number}_"
        y = keras.layers.LayerNormalization(name=prefix + "norm_1")(x)
        y = keras.layers.MultiHeadAttention(2, 4, name=prefix + "attention")(
            y, y
        )
        x = keras.layers.Add(name=prefix + "add_1")([x, y])
        y = keras.layers.LayerNormalization(name=prefix + "norm_2")(x)
        y = keras.layers.Dense(2 * width, "gelu", name=prefix + "mlp_1")(y)
        y = keras.layers.Dense(width, name=prefix + "mlp_2")(y)
        x = keras.layers.Add(name=prefix + "add_2")([x, y])
    x = keras.layers.LayerNormalization(name="norm")(x)
    return keras.Model(image, x, name=name)
