"""Composite layers of our own and of plugins as graphs of stock layers."""

import math
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.exporting import layer_copies
from keras_transfer.freezing.lora import merged_weights
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import Graph
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import own_calls

# Constants become text in the file; tables larger than this stay weights.
_LARGEST_CONSTANT = 100_000


def is_stock(operation: Any) -> bool:
    """Whether a layer or operation is Keras's own, with all that it holds.

    A `Lambda` is not: it is code, which a file is not trusted to bring.

    Args:
        operation: A layer or a `keras.ops` operation.
    """
    if isinstance(operation, keras.layers.Lambda):
        return False
    parts = [operation]
    if isinstance(operation, keras.layers.Layer):
        parts = compat.sublayers(operation)
    return all(_is_kerass(type(part)) for part in parts)


class Expansion:
    """Looks inside layers that are not Keras's own.

    What a layer's `call` does to symbolic tensors is the graph that stands in
    its place. Call an instance as `look_inside` of `replay`.

    Args:
        as_float32: Whether what is inside computes in float32.

    Attributes:
        refused: Maps the class of a layer that cannot be expanded to the
            reason.
    """

    def __init__(self, as_float32: bool = False):
        self.as_float32 = as_float32
        self.refused: dict[str, str] = {}

    def __call__(self, call: Call) -> Graph | None:
        operation, (args, kwargs) = call.operation, call.arguments
        if is_stock(operation) or not _is_expandable(operation):
            return None
        name = type(operation).__name__
        leaves = keras.tree.flatten(args)
        if not all(isinstance(leaf, Ref) for leaf in leaves) or any(
            isinstance(leaf, Ref) for leaf in keras.tree.flatten(kwargs)
        ):
            self.refused[name] = "it is called with more than its inputs"
            return None
        inputs = [
            keras.Input(
                batch_shape=leaf.spec.shape, dtype=self._dtype(leaf.spec.dtype)
            )
            for leaf in leaves
        ]
        given = keras.tree.pack_sequence_as(args, inputs)
        # A copy, since a call leaves a trace on the layers that it goes
        # through; they would grow with each export.
        layer = layer_copies.copy_of(
            operation, operation.name, as_float32=self.as_float32
        )
        layer_copies.with_weights(layer, merged_weights(operation))(
            *given, **kwargs
        )
        try:
            outputs = layer.call(
                *keras.tree.map_structure(_as_called(layer), given), **kwargs
            )
        # The layer works when it is called; it only does not let itself be
        # taken apart, and the caller says so with this reason.
        except Exception as error:
            first_line = str(error).strip().partition("\n")[0]
            self.refused[name] = f"{type(error).__name__}: {first_line}"
            return None
        graph = Graph(inputs, keras.tree.flatten(outputs))
        fault = _fault(graph)
        if fault:
            self.refused[name] = fault
            return None
        return graph

    def _dtype(self, dtype):
        return "float32" if self.as_float32 and "float" in dtype else dtype


def _as_called(layer):
    """The cast that `__call__` makes and a bare `call` does not."""

    def cast(tensor):
        if not layer.autocast or "float" not in tensor.dtype:
            return tensor
        if tensor.dtype == layer.compute_dtype:
            return tensor
        return keras.ops.cast(tensor, layer.compute_dtype)

    return cast


def _is_symbol(leaf):
    return isinstance(leaf, keras.KerasTensor)


def _is_expandable(operation):
    return isinstance(operation, keras.layers.Layer) and not isinstance(
        operation, (keras.Model, keras.layers.Lambda)
    )


def _is_kerass(kind):
    return kind.__module__.partition(".")[0] == "keras"


def _fault(graph):
    """Why a traced graph does not stand for its layer, or `None`."""
    if not all(_is_symbol(tensor) for tensor in graph.outputs):
        return "its outputs do not come from its inputs"
    constants = []
    for call in own_calls(graph):
        constants += keras.tree.flatten(call.arguments)
    for constant in constants:
        if isinstance(constant, keras.Variable) or (
            keras.ops.is_tensor(constant)
        ):
            size = math.prod(constant.shape)
            if size > _LARGEST_CONSTANT:
                return f"it computes with {size:,} weights that no layer holds"
    return None
