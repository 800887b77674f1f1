"""The attention head: attention pooling followed by one dense layer."""

import keras

from keras_transfer.heads.attention_pooling import AttentionPooling
from keras_transfer.heads.classification_head import ClassificationHead
from keras_transfer.heads.pooling import check_feature_shape


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="AttentionPoolHead"
)
class AttentionPoolHead(ClassificationHead):
    """Classifies feature maps by attending to the informative positions.

    Prefer it to average pooling when the object fills little of the image;
    `head.pool.attention_weights(features)` shows where it looked. Its layers
    are `pool`, `dropout` (before the dense layer) and `predictions`. Under
    mixed precision `predictions` computes in float32.

    Args:
        num_classes: Number of outputs: 2 or more for one output for each
            class, 1 for a single unit that tells two classes apart; for
            other tasks one for each label, number or grade.
        attention_units: Width of the network that scores a position, at
            least 1. Defaults to 128, as in the paper.
        gated: Whether a position's score has the sigmoid gate of the paper.
            Defaults to True.
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
        `(batch, height, width, channels)` or `(batch, tokens, channels)`,
        float.

    Output shape:
        `(batch, num_classes)`.

    Raises:
        TypeError: For an argument of the wrong type.
        ValueError: For an argument out of range; at build, for features
            without positions to choose from.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> head = kt.heads.AttentionPoolHead(num_classes=3)
    >>> tuple(head(np.ones((2, 7, 7, 64))).shape)
    (2, 3)

    Reference: [Ilse et al., 2018](https://arxiv.org/abs/1802.04712)
    """

    def __init__(
        self,
        num_classes: int,
        attention_units: int = 128,
        gated: bool = True,
        dropout: float = 0.0,
        activation: str | None = "auto",
        name: str = "head",
        task: str = "classification",
        **kwargs,
    ):
        super().__init__(num_classes, dropout, activation, name, task, **kwargs)
        self.attention_units = attention_units
        self.gated = gated
        self.pool = AttentionPooling(
            attention_units, gated, dtype=self.dtype_policy, name="pool"
        )
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    @property
    def steps(self) -> list[keras.layers.Layer]:
        """The layers that the features pass through, in order."""
        return [self.pool, self.dropout_layer, self.predictions]

    def build(self, input_shape):
        check_feature_shape(input_shape)
        super().build(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "attention_units": int(self.attention_units),
            "gated": self.gated,
        }
