"""A model's graph run call by call, from and to any tensor inside it."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.extraction.calls import has_graph


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """A tensor inside a model, however deep it is nested.

    Args:
        calls: The calls of nested models that lead to it, outermost first.
        tensor: The symbolic tensor in the innermost of these models.
    """

    calls: tuple[Any, ...]
    tensor: Any


def run(
    model: keras.Model,
    inputs: Sequence[Any],
    wanted: Sequence[Place],
    given: Mapping[Place, Any] | None = None,
    around: Callable[[Any], Callable[..., Any]] | None = None,
) -> list[Any]:
    """Computes tensors inside a model from its inputs, in inference mode.

    The model is not changed and gains no nodes. What only leads to a `given`
    tensor is not computed, so that a gradient with respect to it costs no
    more than the rest of the network.

    Args:
        model: A model with a static graph.
        inputs: Values of `model.inputs`.
        wanted: The places to compute.
        given: Values that stand in for what the model would compute.
        around: Returns what to call in place of an operation. Defaults to
            `None`: the operation itself.

    Returns:
        One value for each wanted place.
    """
    values = {
        id(tensor): value
        for tensor, value in zip(model.inputs, inputs, strict=True)
    }
    return _run(
        model,
        values,
        [(place.calls, place.tensor) for place in wanted],
        [(p.calls, p.tensor, value) for p, value in (given or {}).items()],
        _resting if around is None else lambda op: _resting(around(op)),
    )


def _run(model, values, wanted, given, call):
    values.update(
        {id(tensor): value for calls, tensor, value in given if not calls}
    )
    # Of a nested model that holds something wanted the call itself is needed.
    targets = [
        calls[0].outputs[0] if calls else tensor for calls, tensor in wanted
    ]
    inner_values: dict[tuple[int, ...], Any] = {}
    known = [tensor for calls, tensor, _ in given if not calls]
    for node in compat.nodes_between([*model.inputs, *known], targets):
        if has_graph(node.operation):
            outputs = _run_nested(
                node, values, wanted, given, call, inner_values
            )
        else:
            outputs = compat.replay(node, call(node.operation), values)
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values.setdefault(id(tensor), value)
    return [
        inner_values[_key(calls, tensor)] if calls else values[id(tensor)]
        for calls, tensor in wanted
    ]


def _run_nested(node, values, wanted, given, call, inner_values):
    nested = node.operation
    deeper = [(c, tensor) for c, tensor in wanted if c and c[0] is node]
    flat = [values[id(tensor)] for tensor in node.input_tensors]
    inner = {
        id(tensor): value
        for tensor, value in zip(nested.inputs, flat, strict=True)
    }
    found = _run(
        nested,
        inner,
        [
            *(((), tensor) for tensor in nested.outputs),
            *((c[1:], tensor) for c, tensor in deeper),
        ],
        [(c[1:], t, v) for c, t, v in given if c and c[0] is node],
        call,
    )
    number = len(nested.outputs)
    for (c, tensor), value in zip(deeper, found[number:], strict=True):
        inner_values[_key(c, tensor)] = value
    return found[:number]


def _key(calls, tensor):
    return (*map(id, calls), id(tensor))


def _resting(operation):
    """Calls an operation so that dropout and statistics rest, as `predict`."""

    def call(*args, **kwargs):
        if "training" in kwargs:
            kwargs["training"] = False
        return operation(*args, **kwargs)

    return call
