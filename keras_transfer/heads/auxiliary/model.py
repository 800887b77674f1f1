"""The model that trains auxiliary heads, and the way back from it."""

import functools

import keras

from keras_transfer import compat
from keras_transfer.heads.auxiliary.branch import AuxiliaryBranch
from keras_transfer.structure import anatomy
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.replay import pack_inputs
from keras_transfer.structure.replay import rewire


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
        last = own_calls(self)[-1]
        return keras.Model(self.input, [ref.spec for ref in last.inputs])

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


def without_auxiliary_heads(model: keras.Model) -> keras.Model:
    """Returns the plain model that remains when training is over.

    Outputs are those of the model itself, bit for bit; weights are shared, so
    that further training of one changes the other.

    Args:
        model: A model that `with_auxiliary_heads` made, or that was loaded
            from its file.

    Returns:
        A plain Functional `keras.Model`, not compiled, without a trace of the
        heads: save it for production.

    Raises:
        ValueError: If the model has no auxiliary heads.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "googlenet", weights=None, input_shape=(64, 64, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> training = kt.with_auxiliary_heads(
    ...     model, {"inception_4a": kt.heads.AuxiliaryHead(2)})
    >>> inference = kt.without_auxiliary_heads(training)
    >>> training.count_params() - inference.count_params()
    199810
    """
    calls = own_calls(model) if compat.is_graph(model) else ()
    branches = [c for c in calls if isinstance(c.operation, AuxiliaryBranch)]
    if not branches:
        raise ValueError(
            f"The model {model.name!r} has no auxiliary heads to remove. "
            "Expected a model that `with_auxiliary_heads` made; one without "
            "them is ready for inference as it is."
        )
    output = branches[0].inputs[0]
    part = keras.Model(model.input, output.spec, name=model.name)
    backbone = anatomy.dissect(part).backbone
    if backbone is part or len(backbone.outputs) == 1:
        return part
    rewired = rewire(part, [output], reduced=[backbone])
    inputs = pack_inputs(part, rewired.inputs)
    return keras.Model(inputs, rewired.outputs[0], name=model.name)


def _split(y_pred):
    # Only a call in training returns a list.
    if isinstance(y_pred, (list, tuple)):
        return y_pred[0], y_pred[1:]
    return y_pred, ()
