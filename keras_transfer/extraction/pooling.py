"""Pooling of activations, whatever their rank."""

import keras
from keras import ops

from keras_transfer.heads.generalized_mean_pooling import generalized_mean
from keras_transfer.heads.generalized_mean_pooling import position_axes

POOLINGS = (None, "avg", "max", "gem")


# The layers of `heads.pooling` are each for one rank and GeM has a weight
# there; an extractor that records knows no rank before it runs, and none of
# its weights may be its own.
@keras.saving.register_keras_serializable(
    "keras_transfer", name="ActivationPooling"
)
class ActivationPooling(keras.layers.Layer):
    """Makes one vector of each activation.

    Args:
        pooling: `"avg"`, `"max"` or `"gem"` (the generalized mean with
            exponent 3) over positions, or `None` to return the activation.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)`, `(batch, tokens, channels)` or any
        other, which stays as it is.

    Output shape: `(batch, channels)` for the first two.

    Raises:
        ValueError: If `pooling` is unknown.

    Example:
    >>> from keras_transfer.extraction.pooling import ActivationPooling
    >>> tuple(ActivationPooling("gem")(np.ones((2, 7, 7, 64))).shape)
    (2, 64)
    """

    def __init__(self, pooling: str | None = None, **kwargs):
        check_pooling(pooling)
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, inputs):
        if self.pooling is None or len(inputs.shape) not in (3, 4):
            return inputs
        axes = position_axes(len(inputs.shape))
        if self.pooling == "avg":
            return ops.mean(inputs, axis=axes)
        if self.pooling == "max":
            return ops.max(inputs, axis=axes)
        # Powers overflow float16 soon.
        features = ops.cast(inputs, self.variable_dtype)
        pooled = generalized_mean(features, 3.0, 1e-6)
        return ops.cast(pooled, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}


def check_pooling(pooling: object) -> None:
    """Raises unless `pooling` is one of `POOLINGS`."""
    if pooling not in POOLINGS:
        raise ValueError(
            "`pooling` of an extractor must be one of "
            f"{', '.join(map(repr, POOLINGS))}. Received: {pooling!r}."
        )
