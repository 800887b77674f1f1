"""Stride propagation through the graph of a model."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer import compat

_PADDING = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)
# Layers of whole-image features: what follows has no position any more.
_GLOBAL = (
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
)


def reductions_of(model: keras.Model) -> dict[int, float]:
    """Maps the id of a tensor to the stride between it and the input.

    Shapes would not do: unpadded convolutions shrink images, and open sizes
    have none. Tensors without positions are left out.

    Args:
        model: A Functional model.
    """
    reductions = {id(tensor): 1 for tensor in model.inputs}
    for node in compat.graph_nodes(model):
        known = [
            reductions[id(t)] for t in node.input_tensors if id(t) in reductions
        ]
        if not known or isinstance(node.operation, _GLOBAL):
            continue
        reduction = max(known) * _stride(node.operation)
        for tensor in node.outputs:
            reductions[id(tensor)] = reduction
    return reductions


def _stride(operation):
    if compat.is_graph(operation):
        inner = reductions_of(operation)
        return inner.get(id(operation.outputs[0]), 1)
    if isinstance(operation, keras.layers.UpSampling2D):
        return 1 / max(operation.size)
    strides = getattr(operation, "strides", None)
    if strides is None:
        return 1
    stride = max(strides) if isinstance(strides, (tuple, list)) else strides
    transposed = isinstance(operation, keras.layers.Conv2DTranspose)
    return 1 / stride if transposed else stride


def cut_safe_nodes(model: keras.Model) -> Iterator[Any]:
    """Yields the calls whose output is the only tensor in use after them.

    Everything that follows depends on that tensor alone, so the network can
    be cut there.

    Args:
        model: A Functional model.
    """
    nodes = compat.graph_nodes(model)
    last_use = {
        id(tensor): i
        for i, node in enumerate(nodes)
        for tensor in node.input_tensors
    }
    for tensor in model.outputs:
        last_use[id(tensor)] = len(nodes)
    alive = {id(tensor) for tensor in model.inputs}
    for i, node in enumerate(nodes):
        alive |= {id(tensor) for tensor in node.outputs}
        alive = {t for t in alive if last_use.get(t, -1) > i}
        if alive == {id(node.outputs[0])} and not isinstance(
            node.operation, _PADDING
        ):
            yield node
