"""Backbones of models from elsewhere, by how their graphs are nested."""

from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import origins
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.paths import operations_of

# What a head or a branch for a table is made of. A model with other weights,
# such as those of convolutions or attention, is one that may be pretrained.
_PLAIN = (
    keras.layers.Dense,
    keras.layers.Embedding,
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.PReLU,
    keras.layers.UnitNormalization,
)


def find_backbones(model: keras.Model) -> tuple[list[Any], str]:
    """Finds the nested models that are backbones, where that can be known.

    Those that the inputs reach first are: all of them where they have
    convolutions, attention or the like, otherwise the only one.

    Args:
        model: A model on whose layers nothing is noted.

    Returns:
        The backbones, models or wrappers around one such as
        `TimeDistributed`, in order; and why they cannot be known, or `""`.

    Example:
    >>> base = keras.Sequential(
    ...     [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)], name="base")
    >>> model = keras.Sequential([base, keras.layers.Dense(2)])
    >>> backbones, why_not = find_backbones(model)
    >>> [backbone.name for backbone in backbones], why_not
    (['base'], '')
    """
    held = [op for op in operations_of(model) if origins.holders_of(op)]
    nested = [op for op in held if holds_model(op)]
    if not nested:
        return [], "no model is nested in it, and no source of weights is noted"
    if len(held) == 1 and any(map(holds_model, operations_of(nested[0]))):
        return find_backbones(nested[0])
    after = reached(model, nested)
    trunks = [op for op in nested if is_trunk(op)]
    if not trunks:
        return _first(model, nested, held, after)
    first = [
        op for op in trunks if not any(id(op) in after[id(t)] for t in trunks)
    ]
    if first != trunks:
        names = [op.name for op in trunks]
        return [], f"of its models {names} one follows the other"
    beside = [
        op.name
        for op in nested
        if op not in trunks and not any(id(op) in after[id(t)] for t in trunks)
    ]
    if beside:
        return [], f"its models {beside} may be pretrained or new"
    return trunks, ""


def is_trunk(operation: Any) -> bool:
    """Whether a model has weights of another kind than a head has.

    Args:
        operation: A model or a layer.
    """
    return any(
        not isinstance(layer, _PLAIN) for layer in origins.holders_of(operation)
    )


def holds_model(operation: Any) -> bool:
    """Whether all weights of an operation are those of one model.

    Args:
        operation: A model, or a layer, which may wrap one.
    """
    if isinstance(operation, keras.layers.Wrapper):
        operation = operation.layer
    return isinstance(operation, keras.Model) and bool(
        origins.holders_of(operation)
    )


def _first(model, nested, held, after):
    """The only nested model that nothing with weights leads to."""
    first = [
        op for op in nested if not any(id(op) in after[id(n)] for n in nested)
    ]
    names = [op.name for op in nested]
    if len(first) != 1:
        return [], f"its models {names} may be pretrained or new"
    others = [op for op in held if op not in nested]
    leading = reached(model, others)
    if any(id(first[0]) in leading[id(op)] for op in others):
        return [], f"new and pretrained layers may lead to {first[0].name!r}"
    return first, ""


def reached(model: keras.Model, operations: list[Any]) -> dict[int, set[int]]:
    """By the id of each operation, the ids of what its output reaches.

    Args:
        model: A model.
        operations: Some of its own operations.
    """
    if not compat.is_graph(model):
        # A subclassed model shows no edges: creation order stands for them.
        order = [id(op) for op in operations_of(model)]
        return {
            id(op): set(order[order.index(id(op)) + 1 :]) for op in operations
        }
    reached: dict[int, set] = {id(op): set() for op in operations}
    after: dict[int, set[int]] = {id(op): set() for op in operations}
    for call in own_calls(model):
        own = id(call.operation)
        for source, refs in reached.items():
            is_after = not refs.isdisjoint(call.inputs)
            if is_after and own != source:
                after[source].add(own)
            if is_after or own == source:
                refs.update(call.outputs)
    return after
