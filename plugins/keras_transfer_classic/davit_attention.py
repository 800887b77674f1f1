"""The two attentions of DaViT: in windows of positions, between channels."""

from typing import Any

import keras
from keras import ops


def attend_windows(x: Any, heads: int, window: list[int], prefix: str) -> Any:
    """Lets the positions of a window attend to each other.

    A map that windows do not fill is padded with zeros at the bottom and at
    the right.

    Args:
        x: Feature maps `(batch, height, width, channels)`.
        heads: Number of attention heads, a divisor of the channels.
        window: Height and width of a window, in positions.
        prefix: What the names of the layers begin with.

    Returns:
        Feature maps of the same shape.
    """
    height, width, channels = x.shape[1:]
    window_height, window_width = min(window[0], height), min(window[1], width)
    below, right = -height % window_height, -width % window_width
    if below or right:
        x = ops.pad(x, ((0, 0), (0, below), (0, right), (0, 0)))
    rows = (height + below) // window_height
    columns = (width + right) // window_width
    if rows * columns > 1:
        x = ops.reshape(
            x, (-1, window_height, columns, window_width * channels)
        )
        x = ops.transpose(x, (0, 2, 1, 3))
        x = ops.reshape(x, (-1, window_height, window_width, channels))
    x = _attend_positions(x, heads, prefix)
    if rows * columns > 1:
        x = ops.reshape(
            x, (-1, columns, window_height, window_width * channels)
        )
        x = ops.transpose(x, (0, 2, 1, 3))
    x = ops.reshape(
        x, (-1, rows * window_height, columns * window_width, channels)
    )
    return x[:, :height, :width, :] if below or right else x


def attend_channels(x: Any, heads: int, prefix: str) -> Any:
    """Lets the channels of a head attend to each other, over all positions.

    Args:
        x: Feature maps `(batch, height, width, channels)`.
        heads: Number of attention heads, a divisor of the channels.
        prefix: What the names of the layers begin with.

    Returns:
        Feature maps of the same shape.
    """
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height * width, channels))
    x = keras.layers.Dense(3 * channels, name=prefix + "qkv")(x)
    # The order of the published weights, unlike that of the windows.
    value, query, key = ops.split(x, 3, axis=-1)
    query = _by_head(query, heads, (0, 2, 3, 1))
    key = _by_head(key, heads, (0, 2, 1, 3))
    value = _by_head(value, heads, (0, 2, 3, 1))
    x = _attend(query, key, value, channels // heads, prefix)
    x = ops.transpose(x, (0, 3, 1, 2))
    x = ops.reshape(x, (-1, height, width, channels))
    return keras.layers.Dense(channels, name=prefix + "output")(x)


def _attend_positions(x, heads, prefix):
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height * width, channels))
    x = keras.layers.Dense(3 * channels, name=prefix + "qkv")(x)
    query, key, value = ops.split(x, 3, axis=-1)
    query = _by_head(query, heads, (0, 2, 1, 3))
    key = _by_head(key, heads, (0, 2, 3, 1))
    value = _by_head(value, heads, (0, 2, 1, 3))
    x = _attend(query, key, value, channels // heads, prefix)
    x = ops.transpose(x, (0, 2, 1, 3))
    x = ops.reshape(x, (-1, height, width, channels))
    return keras.layers.Dense(channels, name=prefix + "output")(x)


def _by_head(x, heads, order):
    _, tokens, channels = x.shape
    x = ops.reshape(x, (-1, tokens, heads, channels // heads))
    return ops.transpose(x, order)


def _attend(query, key, value, channels, prefix):
    scores = ops.multiply(ops.matmul(query, key), channels**-0.5)
    scores = keras.layers.Softmax(name=prefix + "attention_scores")(scores)
    return ops.matmul(scores, value)
