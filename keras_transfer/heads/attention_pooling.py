"""Attention pooling, an average over positions whose weights are learned."""

import keras
from keras import ops

from keras_transfer.heads.arguments import check_positive_int
from keras_transfer.heads.generalized_mean_pooling import position_axes


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="AttentionPooling"
)
class AttentionPooling(keras.layers.Layer):
    """Averages positions, weighting each by what it shows.

    The weight of a position is the softmax, over all positions, of a score
    that a small network gives to its features:
    `score = w · (tanh(V x) * sigmoid(U x))`, without the sigmoid when `gated`
    is false. The softmax computes in float32 under mixed precision.

    Args:
        attention_units: Width of the network that scores a position, at
            least 1. Defaults to 128.
        gated: Whether the sigmoid gate takes part. Defaults to True.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, tokens, channels)`,
        float. With Keras's image data format set to `"channels_first"`,
        `(batch, channels, height, width)` in place of the former.

    Output shape:
        `(batch, channels)`.

    Raises:
        TypeError: If `attention_units` is not an integer or `gated` not a
            boolean.
        ValueError: If `attention_units` is below 1, or the input has another
            rank.

    Example:
    >>> import numpy as np
    >>> from keras_transfer.heads.attention_pooling import AttentionPooling
    >>> tuple(AttentionPooling()(np.ones((2, 7, 7, 64))).shape)
    (2, 64)

    Reference: [Ilse et al., 2018](https://arxiv.org/abs/1802.04712)
    """

    def __init__(
        self, attention_units: int = 128, gated: bool = True, **kwargs
    ):
        check_positive_int("attention_units", attention_units)
        if not isinstance(gated, bool):
            raise TypeError(
                "`gated` must be True or False. "
                f"Received: gated={gated!r} of type {type(gated).__name__}."
            )
        super().__init__(**kwargs)
        self.attention_units = attention_units
        self.gated = gated
        units, dtype = int(attention_units), self.dtype_policy
        self.hidden = keras.layers.Dense(
            units, activation="tanh", dtype=dtype, name="hidden"
        )
        self.gate = None
        if gated:
            self.gate = keras.layers.Dense(
                units, activation="sigmoid", dtype=dtype, name="gate"
            )
        # A bias would shift all scores alike, which softmax cannot see.
        self.score = keras.layers.Dense(
            1, use_bias=False, dtype=dtype, name="score"
        )

    def build(self, input_shape):
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "AttentionPooling expects feature maps of rank 4 or tokens of "
                "rank 3, since attention chooses among positions. For vectors "
                f"use LinearHead. Received: input_shape={tuple(input_shape)}."
            )
        channels = self.compute_output_shape(input_shape)[-1]
        self.hidden.build((None, None, channels))
        if self.gate is not None:
            self.gate.build((None, None, channels))
        self.score.build((None, None, self.attention_units))

    def call(self, inputs):
        tokens = self._tokens(inputs)
        weights = ops.cast(self._weights(tokens), tokens.dtype)
        pooled = ops.matmul(ops.transpose(weights, (0, 2, 1)), tokens)
        return ops.squeeze(pooled, axis=1)

    def attention_weights(self, inputs):
        """Returns the weight of each position, a picture of the attention.

        Args:
            inputs: Features as `call` takes them.

        Returns:
            A tensor of shape `(batch, height, width)` or `(batch, tokens)`
            that sums to 1 for each sample.
        """
        inputs = ops.cast(inputs, self.compute_dtype)
        weights = self._weights(self._tokens(inputs))
        sizes = [ops.shape(inputs)[axis] for axis in self._axes(inputs)]
        return ops.reshape(weights, (-1, *sizes))

    def compute_output_shape(self, input_shape):
        pooled = position_axes(len(input_shape))
        return tuple(
            size for axis, size in enumerate(input_shape) if axis not in pooled
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_units": int(self.attention_units),
            "gated": self.gated,
        }

    def _axes(self, inputs):
        return position_axes(len(inputs.shape))

    def _tokens(self, inputs):
        if len(inputs.shape) == 3:
            return inputs
        channels_last = ops.moveaxis(inputs, self._axes(inputs), (1, 2))
        channels = channels_last.shape[-1]
        positions = ops.shape(channels_last)[1] * ops.shape(channels_last)[2]
        return ops.reshape(channels_last, (-1, positions, channels))

    def _weights(self, tokens):
        hidden = self.hidden(tokens)
        if self.gate is not None:
            hidden = hidden * self.gate(tokens)
        scores = ops.cast(self.score(hidden), self.variable_dtype)
        return ops.softmax(scores, axis=1)
