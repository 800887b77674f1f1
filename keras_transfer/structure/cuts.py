"""Where the graph of a model can be cut: by strides, by attention."""

from collections.abc import Iterator

import keras

from keras_transfer import compat
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import own_calls

_PADDING = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)
# Layers of whole-image features: what follows has no position any more.
_GLOBAL = (
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
)
# Stock layers, and operations that attention is made of where it is no layer.
_ATTENTION = (
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.MultiHeadAttention,
    keras.layers.Softmax,
)
_OPERATIONS = ("Softmax", "DotProductAttention")


def reductions_of(model: keras.Model) -> dict[Ref, float]:
    """Maps each tensor to the stride between it and the input.

    Shapes would not do: unpadded convolutions shrink images, and open sizes
    have none. Tensors without positions are left out.

    Args:
        model: A Functional model.
    """
    reductions = {Ref((), tensor): 1 for tensor in model.inputs}
    for call in own_calls(model):
        known = [reductions[ref] for ref in call.inputs if ref in reductions]
        if not known or isinstance(call.operation, _GLOBAL):
            continue
        reduction = max(known) * _stride(call.operation)
        reductions.update((ref, reduction) for ref in call.outputs)
    return reductions


def _stride(operation):
    if compat.is_graph(operation):
        inner = reductions_of(operation)
        return inner.get(Ref((), operation.outputs[0]), 1)
    if isinstance(operation, keras.layers.UpSampling2D):
        return 1 / max(operation.size)
    strides = getattr(operation, "strides", None)
    if strides is None:
        return 1
    stride = max(strides) if isinstance(strides, (tuple, list)) else strides
    transposed = isinstance(operation, keras.layers.Conv2DTranspose)
    return 1 / stride if transposed else stride


def cut_safe_calls(model: keras.Model) -> Iterator[Call]:
    """Yields the calls whose output is the only tensor in use after them.

    Everything that follows depends on that tensor alone, so the network can
    be cut there.

    Args:
        model: A Functional model.
    """
    calls = own_calls(model)
    last_use = {ref: i for i, call in enumerate(calls) for ref in call.inputs}
    last_use |= {Ref((), tensor): len(calls) for tensor in model.outputs}
    alive = {Ref((), tensor) for tensor in model.inputs}
    for i, call in enumerate(calls):
        alive.update(call.outputs)
        alive = {ref for ref in alive if last_use.get(ref, -1) > i}
        if alive == {call.outputs[0]} and not isinstance(
            call.operation, _PADDING
        ):
            yield call


def block_starts(model: keras.Model) -> list[Call]:
    """Finds the calls after which the blocks of a transformer begin.

    A block begins at the last tensor before its attention through which
    everything must pass: the one that the residual connection takes up.

    Args:
        model: A Functional model.

    Returns:
        Calls from input to output; the first ends what lies before the
        blocks, each other one ends a block. None without attention.
    """
    safe = {call.node for call in cut_safe_calls(model)}
    starts: dict[Call, None] = {}
    before = None
    for call in own_calls(model):
        if before is not None and _attends(call.operation):
            starts[before] = None
        if call.node in safe:
            before = call
    return list(starts)


def _attends(operation):
    if not isinstance(operation, keras.layers.Layer):
        return type(operation).__name__ in _OPERATIONS
    # A layer of somebody's own is known by its parts or by its name.
    return any(
        isinstance(layer, _ATTENTION)
        or "attention" in type(layer).__name__.lower()
        for layer in compat.sublayers(operation)
    )
