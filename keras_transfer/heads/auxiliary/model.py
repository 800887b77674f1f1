"""The model that trains auxiliary heads beside its output."""

import functools

import keras

from keras_transfer import compat
from keras_transfer.heads.auxiliary.auxiliary_removal import (
    without_auxiliary_heads,
)
from keras_transfer.heads.auxiliary.branch import AuxiliaryBranch


# A class of its own, against the rule that our models are plain ones, because
# labels reach neither layers nor `add_loss`. A plain model with three outputs
# was the alternative: it wants its labels three times, counts the auxiliary
# losses in `val_loss`, computes the heads in `predict` and returns them.
@keras.saving.register_keras_serializable(
    package="keras_transfer", name="AuxiliaryModel"
)
class AuxiliaryModel(keras.Model):
    """A classifier whose auxiliary heads act in training alone.

    `with_auxiliary_heads` makes it. It has one output: `predict`, `evaluate`
    and a plain call compute and return the main output, metrics and validation
    loss are about it. In `fit` the loss of each auxiliary head, the same loss
    on the same labels, is added with its weight. `save` keeps the heads, for
    training to go on; `export` leaves them out.

    Called with `training=True` it returns a list: the main output, then those
    of the heads.
    """

    follows_graph = True  # In inference; the extractor asks.

    @property
    def branch(self) -> AuxiliaryBranch:
        """The layer that holds the heads."""
        return self.layers[-1]

    @functools.cached_property
    def _trunk(self):
        """The same graph up to the branch: main output, tapped features."""
        node = compat.graph_nodes(self)[-1]
        return keras.Model(self.input, list(node.input_tensors))

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=training, mask=mask)
        outputs, *features = self._trunk.call(
            inputs, training=training, mask=mask
        )
        return [outputs, *self.branch.classify(features)]

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        outputs, auxiliary = _split(y_pred)
        loss = super().compute_loss(x, y, outputs, sample_weight, training)
        for predictions in auxiliary:
            loss += self.branch.weight * compat.compiled_loss(
                self, y, predictions, sample_weight
            )
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        outputs, _ = _split(y_pred)
        return super().compute_metrics(x, y, outputs, sample_weight)

    def export(self, *args, **kwargs):
        return without_auxiliary_heads(self).export(*args, **kwargs)


def _split(y_pred):
    # Only a call in training returns a list.
    if isinstance(y_pred, (list, tuple)):
        return y_pred[0], y_pred[1:]
    return y_pred, ()
