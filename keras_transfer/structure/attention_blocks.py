"""Blocks of a transformer, found by its attention."""

from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import strides

# Stock layers, and operations that attention is made of where it is no layer.
_ATTENTION = (
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.MultiHeadAttention,
    keras.layers.Softmax,
)
_OPERATIONS = ("Softmax", "DotProductAttention")


def block_starts(model: keras.Model) -> list[Any]:
    """Finds the calls after which the blocks of a transformer begin.

    A block begins at the last tensor before its attention through which
    everything must pass: the one that the residual connection takes up.

    Args:
        model: A Functional model.

    Returns:
        Calls from input to output; the first ends what lies before the
        blocks, each other one ends a block. None without attention.
    """
    safe = {id(node) for node in strides.cut_safe_nodes(model)}
    starts: dict[int, Any] = {}
    before = None
    for node in compat.graph_nodes(model):
        if before is not None and _attends(node.operation):
            starts[id(before)] = before
        if id(node) in safe:
            before = node
    return list(starts.values())


def _attends(operation):
    if not isinstance(operation, keras.layers.Layer):
        return type(operation).__name__ in _OPERATIONS
    # A layer of somebody's own is known by its parts or by its name.
    return any(
        isinstance(layer, _ATTENTION)
        or "attention" in type(layer).__name__.lower()
        for layer in compat.sublayers(operation)
    )
