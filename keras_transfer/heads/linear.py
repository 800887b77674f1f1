"""The linear head: pooling followed by one dense layer."""

import keras

from keras_transfer.heads.classification_head import ClassificationHead
from keras_transfer.heads.pooling import build_pooling
from keras_transfer.heads.pooling import check_pooling


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="LinearHead"
)
class LinearHead(ClassificationHead):
    """Classifies pooled features with a single dense layer.

    The head of linear probing, and the first to try: the fewest parameters,
    hence the last to overfit. Its layers are `pool`, `dropout` (before the
    dense layer) and `predictions`. Under mixed precision `predictions`
    computes in float32.

    Args:
        num_classes: Number of outputs: 2 or more for one output for each
            class, 1 for a single unit that tells two classes apart; for
            other tasks one for each label, number or grade.
        pooling: How positions become one vector: `"avg"`, `"max"`, `"gem"`
            (generalized mean, exponent trainable) or `"flatten"`; `"token"`
            takes the class token of a transformer; `None` for a backbone that
            pools by itself. Features that are vectors are left as they are.
            Defaults to `"avg"`.
        dropout: Fraction of the pooled features dropped in training, in
            `[0, 1)`. Defaults to 0.
        activation: Name of the activation of the outputs. `"auto"` is softmax
            for two or more classes, sigmoid for a single unit; `None` or
            `"linear"` gives logits. Defaults to `"auto"`.
        name: Name of the layer. Defaults to `"head"`, the same in every
            process; a model with two heads must name them, or Keras refuses
            the duplicate.
        task: `"classification"` (one of several classes), `"multi_label"`
            (any number of labels at once, sigmoid outputs), `"regression"`
            (numbers, linear outputs) or `"ordinal"` (one of several ordered
            grades, by the proportional-odds model of `CumulativeLink`).
            Defaults to `"classification"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)`, `(batch, tokens, channels)` or
        `(batch, channels)`, float.

    Output shape:
        `(batch, num_classes)`.

    Raises:
        TypeError: For an argument of the wrong type.
        ValueError: For an argument out of range; at build, for features that
            cannot be pooled as asked.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> head = kt.heads.LinearHead(num_classes=3)
    >>> tuple(head(np.ones((2, 7, 7, 64))).shape)
    (2, 3)

    Reference: [Alain and Bengio, 2016](https://arxiv.org/abs/1610.01644)
    """

    def __init__(
        self,
        num_classes: int,
        pooling: str | None = "avg",
        dropout: float = 0.0,
        activation: str | None = "auto",
        name: str = "head",
        task: str = "classification",
        **kwargs,
    ):
        check_pooling(pooling)
        super().__init__(num_classes, dropout, activation, name, task, **kwargs)
        self.pooling = pooling
        self.pool = None
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    @property
    def steps(self) -> list[keras.layers.Layer]:
        """The layers that the features pass through, in order."""
        return [self.pool, self.dropout_layer, self.predictions]

    def build(self, input_shape):
        # Which pooling fits is known only with the rank of the features.
        self.pool = build_pooling(self.pooling, input_shape, self.dtype_policy)
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}
