"""The calls of a model's operations, each under a path."""

import dataclasses
from typing import Any

import keras

from keras_transfer import compat


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of an operation, seen from the model that holds it.

    Args:
        path: Names of the models around it, then its own, joined by `/`. From
            the second call of one operation in one model on, its name is
            followed by the number of the call: `encoder:1/conv`.
        nodes: The calls of the models around it, from the outside in, and its
            own.
    """

    path: str
    nodes: tuple[Any, ...]

    @property
    def operation(self) -> Any:
        """What is called."""
        return self.nodes[-1].operation

    @property
    def outputs(self) -> list[Any]:
        """What the call returns, as tensors of the innermost model's graph."""
        return self.nodes[-1].outputs


def calls_of(model: keras.Model) -> dict[str, Call]:
    """Maps the path of every call in a model's graph to it, in order.

    A nested model is followed by what it holds, as in `paths_of`.

    Args:
        model: A model that `has_graph`.
    """
    found: dict[str, Call] = {}
    _collect(model, "", (), found)
    return found


def has_graph(operation: Any) -> bool:
    """Whether the graph of a model is known and tells what the model does.

    It does not where a subclass of a Functional model has a `call` of its own,
    unless the class says with `follows_graph = True` that in inference the
    call comes down to the graph.
    """
    if not compat.is_graph(operation):
        return False
    return compat.calls_its_graph(operation) or getattr(
        type(operation), "follows_graph", False
    )


def _collect(model, prefix, around, found):
    nodes = compat.graph_nodes(model)
    by_operation: dict[int, list[Any]] = {}
    for node in nodes:
        by_operation.setdefault(id(node.operation), []).append(node)
    for calls in by_operation.values():
        if len(calls) > 1:
            calls.sort(key=compat.call_position)
    for node in nodes:
        operation = node.operation
        number = by_operation[id(operation)].index(node)
        path = prefix + operation.name + (f":{number}" if number else "")
        found[path] = Call(path, (*around, node))
        if has_graph(operation):
            _collect(operation, f"{path}/", (*around, node), found)
