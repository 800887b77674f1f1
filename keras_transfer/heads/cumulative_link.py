"""Probabilities of ordered grades."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="CumulativeLink"
)
class CumulativeLink(keras.layers.Layer):
    """Turns vectors into a probability for each of several ordered grades.

    The proportional-odds model: one direction of the features gives a score,
    and ordered cut points divide the scores into grades, `P(grade <= k) =
    sigmoid(cut_k - score)`. The probabilities add up to 1, so that the loss is
    the crossentropy of class numbers.

    Args:
        num_classes: Number of grades, at least 2.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, channels)`, float.
    Output shape: `(batch, num_classes)`, probabilities.

    Example:
    >>> import numpy as np
    >>> from keras_transfer.heads.cumulative_link import CumulativeLink
    >>> outputs = CumulativeLink(4)(np.zeros((1, 8), "float32"))
    >>> np.asarray(outputs).round(3).tolist()
    [[0.25, 0.25, 0.25, 0.25]]

    Reference: [McCullagh, 1980](https://doi.org/10.1111/j.2517-6161.1980.tb01109.x);
    over features of a network [Cao et al., 2019](https://arxiv.org/abs/1901.07884)
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 1), name="kernel")
        # All grades are equally probable where the score is 0.
        count = int(self.num_classes)
        cuts = [math.log(k / (count - k)) for k in range(1, count)]
        self.first_cut = self.add_weight(
            shape=(1,),
            initializer=keras.initializers.Constant(cuts[0]),
            name="first_cut",
        )
        gaps = [high - low for low, high in zip(cuts, cuts[1:], strict=False)]
        self.gaps = self.add_weight(
            shape=(count - 2,),
            initializer=lambda shape, dtype=None: ops.cast(
                [math.log(math.expm1(gap)) for gap in gaps], dtype
            ),
            name="gaps",
        )

    def call(self, inputs):
        scores = ops.matmul(inputs, self.kernel)
        # Softplus keeps the cut points in order.
        steps = ops.concatenate([self.first_cut, ops.softplus(self.gaps)])
        up_to = ops.sigmoid(ops.cumsum(steps) - scores)
        edges = [ops.zeros_like(scores), up_to, ops.ones_like(scores)]
        bounds = ops.concatenate(edges, axis=-1)
        return bounds[:, 1:] - bounds[:, :-1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], int(self.num_classes))

    def get_config(self):
        return {**super().get_config(), "num_classes": int(self.num_classes)}
