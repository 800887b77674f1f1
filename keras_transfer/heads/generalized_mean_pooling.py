"""Generalized mean pooling, a pooling whose exponent is learned."""

import keras
from keras import ops

from keras_transfer.heads.arguments import check_positive_number


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="GeneralizedMeanPooling"
)
class GeneralizedMeanPooling(keras.layers.Layer):
    """Pools positions by the generalized mean (GeM), exponent trainable.

    Exponent 1 is average pooling, a large exponent approaches max pooling.
    Prefer it to both in retrieval, or when objects vary much in size.
    Features at or below `epsilon` count as `epsilon`.

    Args:
        exponent: Initial exponent, positive. Defaults to 3, as in the paper.
        epsilon: Smallest value that a feature counts as, positive. Defaults
            to 1e-6.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, tokens, channels)`,
        float. With Keras's image data format set to `"channels_first"`,
        `(batch, channels, height, width)` in place of the former.

    Output shape:
        `(batch, channels)`.

    Raises:
        TypeError: If `exponent` or `epsilon` is not a number.
        ValueError: If `exponent` or `epsilon` is not positive, or the input
            has another rank.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> tuple(kt.GeneralizedMeanPooling()(np.ones((2, 7, 7, 64))).shape)
    (2, 64)

    Reference: [Radenović et al., 2018](https://arxiv.org/abs/1711.02512)
    """

    def __init__(self, exponent: float = 3.0, epsilon: float = 1e-6, **kwargs):
        check_positive_number("exponent", exponent)
        check_positive_number("epsilon", epsilon)
        super().__init__(**kwargs)
        self.exponent = exponent
        self.epsilon = epsilon

    def build(self, input_shape):
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "GeneralizedMeanPooling expects feature maps of rank 4 or "
                f"tokens of rank 3. Received: input_shape={input_shape}."
            )
        # Powers overflow float16 soon, so nothing here follows autocasting.
        self.power = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(float(self.exponent)),
            name="exponent",
            autocast=False,
        )

    def call(self, inputs):
        features = ops.cast(inputs, self.variable_dtype)
        pooled = generalized_mean(features, self.power, self.epsilon)
        return ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        pooled = position_axes(len(input_shape))
        return tuple(
            size for axis, size in enumerate(input_shape) if axis not in pooled
        )

    def get_config(self):
        return {
            **super().get_config(),
            "exponent": float(self.exponent),
            "epsilon": float(self.epsilon),
        }


def generalized_mean(features, exponent, epsilon: float):
    """Returns the generalized mean over the positions of features.

    Args:
        features: A tensor of rank 3 or 4, in a precision that holds powers.
        exponent: A number or a scalar tensor, positive.
        epsilon: Smallest value that a feature counts as, positive.
    """
    powers = ops.power(ops.maximum(features, epsilon), exponent)
    means = ops.mean(powers, axis=position_axes(len(features.shape)))
    return ops.power(means, 1.0 / exponent)


def position_axes(rank: int) -> tuple[int, ...]:
    """Returns the axes of the positions in features of rank 3 or 4.

    Tokens have their channels last whatever the data format of images.

    Args:
        rank: Number of axes, the batch included.
    """
    if rank == 4 and keras.config.image_data_format() == "channels_first":
        return (2, 3)
    return tuple(range(1, rank - 1))
