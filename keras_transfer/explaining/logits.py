"""A classifier's logits: its output before the last activation."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from keras_transfer.structure.graph import FlatModel
from keras_transfer.structure.graph import Ref

_PROBABILITIES = ("softmax", "sigmoid", "log_softmax")
# Calls of `keras.ops`; their classes are not public, but their names are.
_OPERATIONS = ("Softmax", "Sigmoid", "LogSoftmax")


@dataclasses.dataclass(frozen=True)
class Logits:
    """Where a model's logits come from.

    Args:
        place: The last tensor that is computed as the model computes it.
        finish: What is left to do on its value.
    """

    place: Ref
    finish: Callable[[Any], Any]


def logits_of(flat: FlatModel, output: Ref) -> Logits:
    """Finds the logits behind an output, without editing the model.

    A softmax or sigmoid at the very end is left out: a layer or operation of
    its own, or the activation of the last layer, which is then computed by a
    twin of that layer with the same weights. Other outputs stay as they are.

    Args:
        flat: The calls of a model.
        output: One of its outputs, where it is made.
    """
    for step in flat.steps:
        if output not in step.outputs:
            continue
        if _is_activation(step.operation):
            return Logits(step.inputs[0], _as_floats)
        if _activation(step.operation) in _PROBABILITIES:
            features = step.inputs[0]
            twin = _linear_twin(step.operation, features.spec.shape)
            return Logits(features, twin)
    return Logits(output, _as_floats)


def _is_activation(operation):
    if isinstance(operation, keras.layers.Softmax):
        return True
    if isinstance(operation, keras.layers.Activation):
        return _activation(operation) in _PROBABILITIES
    is_layer = isinstance(operation, keras.layers.Layer)
    return not is_layer and type(operation).__name__ in _OPERATIONS


def _activation(operation):
    if hasattr(operation, "output_activation"):
        return operation.output_activation
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)


def _linear_twin(layer, input_shape):
    """A function that does what a layer does before its activation."""
    twin = type(layer).from_config({**layer.get_config(), "activation": None})
    twin.build(input_shape)

    def finish(features):
        pairs = zip(twin.weights, layer.weights, strict=True)
        # The values are read here, where an outer scope may replace them.
        values = [(own, weight.value) for own, weight in pairs]
        with keras.StatelessScope(values):
            return _as_floats(twin(features, training=False))

    return finish


def _as_floats(logits):
    # Differences of logits vanish in the 16 bits of mixed precision.
    return keras.ops.cast(logits, "float32")
