"""A part of a model's graph that runs by itself, on the same weights."""

from collections.abc import Sequence

import keras

from keras_transfer import compat
from keras_transfer.features.steps import Ref
from keras_transfer.features.steps import Step


class GraphPart(keras.Model):
    """Runs some of the steps of a model, with its very layers.

    It is a view for computing and is not saved: the model that it is a part
    of is.

    Args:
        steps: What to run, in order.
        inputs: The tensors that it is called with.
        outputs: The tensors that it returns.
        name: Name of the part.

    Call arguments:
        inputs: A list of tensors, one for each of `inputs`.
        training: Whether layers behave as in training.

    Returns:
        A list of tensors, one for each of `outputs`.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        inputs: Sequence[Ref],
        outputs: Sequence[Ref],
        name: str,
    ):
        super().__init__(name=name)
        # Past Keras's tracking, which would wrap the lists.
        object.__setattr__(self, "steps", tuple(steps))
        object.__setattr__(self, "input_refs", tuple(inputs))
        object.__setattr__(self, "output_refs", tuple(outputs))
        found = {
            id(step.operation): step.operation
            for step in steps
            if isinstance(step.operation, keras.layers.Layer)
        }
        self.parts = list(found.values())
        self.built = True

    def call(self, inputs, training=None):
        values = dict(zip(self.input_refs, inputs, strict=True))
        for step in self.steps:
            args, kwargs = keras.tree.map_structure(
                lambda leaf: values[leaf] if isinstance(leaf, Ref) else leaf,
                step.arguments,
            )
            if training is not None and compat.takes_training(step.operation):
                # As Keras does: what `fit` says goes before what was recorded.
                kwargs = {**kwargs, "training": training}
            made = keras.tree.flatten(step.operation(*args, **kwargs))
            values.update(zip(step.outputs, made, strict=True))
        return [values[ref] for ref in self.output_refs]
