"""A classifier's logits: its output before the last activation."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.explaining.graph import Place
from keras_transfer.extraction.calls import has_graph

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

    place: Place
    finish: Callable[[Any], Any]


def logits_of(model: keras.Model, output: Any) -> Logits:
    """Finds the logits behind an output, without editing the model.

    A softmax or sigmoid at the very end is left out: a layer or operation of
    its own, or the activation of the last layer, which is then computed by a
    twin of that layer with the same weights. Other outputs stay as they are.

    Args:
        model: A model with a static graph.
        output: One of its symbolic outputs.
    """
    place = _innermost(model, (), output)
    history = [node for node in _nodes(model, place) if _makes(node, place)]
    if not history:
        return Logits(place, _as_floats)
    (node,) = history
    operation = node.operation
    if _is_activation(operation):
        before = _innermost(
            model if not place.calls else place.calls[-1].operation,
            place.calls,
            node.input_tensors[0],
        )
        return Logits(before, _as_floats)
    if _activation(operation) in _PROBABILITIES:
        features = node.input_tensors[0]
        twin = _linear_twin(operation, features.shape)
        return Logits(Place(place.calls, features), twin)
    return Logits(place, _as_floats)


def _innermost(model, calls, tensor):
    """The place in the innermost nested model that makes a tensor."""
    for node in compat.graph_nodes(model, [tensor]):
        for index, made in enumerate(node.outputs):
            if made is tensor and has_graph(node.operation):
                nested = node.operation
                return _innermost(nested, (*calls, node), nested.outputs[index])
    return Place(calls, tensor)


def _nodes(model, place):
    owner = place.calls[-1].operation if place.calls else model
    return compat.graph_nodes(owner, [place.tensor])


def _makes(node, place):
    return any(made is place.tensor for made in node.outputs)


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
