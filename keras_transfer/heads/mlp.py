"""The MLP head: pooling followed by hidden dense layers."""

import keras

from keras_transfer.heads.arguments import check_activation
from keras_transfer.heads.arguments import check_dropout
from keras_transfer.heads.arguments import check_hidden_units
from keras_transfer.heads.classification_head import ClassificationHead
from keras_transfer.heads.pooling import build_pooling
from keras_transfer.heads.pooling import check_pooling


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="MLPHead"
)
class MLPHead(ClassificationHead):
    """Classifies pooled features with a small multilayer perceptron.

    Prefer it to `LinearHead` when the backbone stays frozen although the new
    images differ from those it learned from, and there are enough of them.
    Its layers are `pool`, then `hidden_1`, `dropout_1`, `hidden_2` … and
    `predictions`: dropout follows each hidden layer, as in VGG, so the last
    one stands before the output; without hidden layers a single `dropout`
    stands there. With `input_dropout` a layer of that name follows `pool`.
    Under mixed precision `predictions` computes in float32.

    Args:
        num_classes: Number of outputs: 2 or more for one output for each
            class, 1 for a single unit that tells two classes apart; for
            other tasks one for each label, number or grade.
        hidden_units: Width of each hidden layer, first to last, a list or
            tuple. Defaults to none.
        pooling: How positions become one vector: `"avg"`, `"max"`, `"gem"`
            (generalized mean, exponent trainable) or `"flatten"`; `"token"`
            takes the class token of a transformer; `None` for a backbone that
            pools by itself. Features that are vectors are left as they are.
            Defaults to `"avg"`.
        dropout: Fraction of the features dropped in training after each
            hidden layer, in `[0, 1)`. Defaults to 0.
        activation: Name of the activation of the outputs. `"auto"` is softmax
            for two or more classes, sigmoid for a single unit; `None` or
            `"linear"` gives logits. Defaults to `"auto"`.
        hidden_activation: Name of the activation of the hidden layers.
            Defaults to `"relu"`.
        input_dropout: Fraction of the pooled features dropped in training
            before the first hidden layer, in `[0, 1)`. Defaults to 0.
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
    >>> head = kt.heads.MLPHead(
    ...     num_classes=1, hidden_units=(1024,), pooling="flatten"
    ... )
    >>> tuple(head(np.ones((2, 3, 3, 8))).shape)
    (2, 1)

    Reference: [Simonyan and Zisserman, 2014](https://arxiv.org/abs/1409.1556)
    """

    def __init__(
        self,
        num_classes: int,
        hidden_units: tuple[int, ...] = (),
        pooling: str | None = "avg",
        dropout: float = 0.0,
        activation: str | None = "auto",
        hidden_activation: str = "relu",
        name: str = "head",
        task: str = "classification",
        input_dropout: float = 0.0,
        **kwargs,
    ):
        check_hidden_units(hidden_units)
        check_pooling(pooling)
        check_activation("hidden_activation", hidden_activation)
        check_dropout(input_dropout, "input_dropout")
        super().__init__(num_classes, dropout, activation, name, task, **kwargs)
        self.hidden_units = hidden_units
        self.pooling = pooling
        self.hidden_activation = hidden_activation
        self.pool = None
        self.input_dropout = input_dropout
        # A layer that old files lack, so only where it is wanted.
        self.first_dropout = [
            keras.layers.Dropout(
                input_dropout, dtype=self.dtype_policy, name="input_dropout"
            )
        ][: bool(input_dropout)]
        self.hidden_layers = [
            keras.layers.Dense(
                int(units),
                activation=hidden_activation,
                dtype=self.dtype_policy,
                name=f"hidden_{number}",
            )
            for number, units in enumerate(hidden_units, start=1)
        ]
        numbered = [f"dropout_{i + 1}" for i in range(len(hidden_units))]
        self.dropout_layers = [
            keras.layers.Dropout(dropout, dtype=self.dtype_policy, name=name)
            for name in numbered or ["dropout"]
        ]

    @property
    def steps(self) -> list[keras.layers.Layer]:
        """The layers that the features pass through, in order."""
        if not self.hidden_layers:
            dropout = [*self.first_dropout, *self.dropout_layers]
            return [self.pool, *dropout, self.predictions]
        pairs = zip(self.hidden_layers, self.dropout_layers, strict=True)
        hidden = [layer for pair in pairs for layer in pair]
        return [self.pool, *self.first_dropout, *hidden, self.predictions]

    def build(self, input_shape):
        # Which pooling fits is known only with the rank of the features.
        self.pool = build_pooling(self.pooling, input_shape, self.dtype_policy)
        super().build(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": [int(units) for units in self.hidden_units],
            "pooling": self.pooling,
            "hidden_activation": self.hidden_activation,
            "input_dropout": float(self.input_dropout),
        }
