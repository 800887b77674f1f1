"""The calls of a model's graph, those inside nested models included.

All that is done with a graph is done with this list: `replay` makes the calls
once more, on numbers for explanations, on symbolic tensors for extractors and
exports; `kt.fit` divides it at the freeze boundary. That models are nested,
shared, and called several times is dealt with here and nowhere else.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat


@dataclasses.dataclass(frozen=True)
class Ref:
    """A tensor inside a model, however deep it is nested.

    A nested model that is called twice has the same symbolic tensors in both
    calls; the calls that lead to it tell them apart.

    Args:
        calls: The calls of nested models around it, outermost first.
        spec: The symbolic tensor in the innermost of them.
    """

    calls: tuple[Any, ...]
    spec: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer, an operation or a nested model.

    Args:
        path: Names of the models around it, then its own, joined by `/`. From
            the second call of one operation in one model on, its name is
            followed by the number of the call: `encoder:1/conv`.
        around: The calls of nested models around it, outermost first.
        node: Keras's record of the call; `None` for what nothing recorded.
        operation: What is called.
        arguments: `(args, kwargs)`, with a `Ref` for each tensor.
        inputs: The tensors among the arguments.
        outputs: The tensors that it returns, flattened.
        graph: The graph whose calls follow and compute its outputs, or `None`.
    """

    path: str
    around: tuple[Any, ...]
    node: Any
    operation: Any
    arguments: tuple[tuple, dict[str, Any]]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    graph: Any = None


@dataclasses.dataclass(frozen=True)
class Graph:
    """Symbolic tensors, and others that are computed from them."""

    inputs: Sequence[Any]
    outputs: Sequence[Any]


@dataclasses.dataclass(frozen=True)
class FlatModel:
    """A model as one sequence of calls, from its inputs to its outputs.

    Args:
        calls: All calls; that of a nested model comes before those inside it.
        inputs: The tensors of `model.inputs`.
        outputs: What `model.outputs` are, where they are made.
    """

    calls: tuple[Call, ...]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]

    @property
    def steps(self) -> tuple[Call, ...]:
        """The calls that compute, without those that only hold others."""
        return tuple(call for call in self.calls if call.graph is None)


class EnterModel:
    """Does to a tensor what a nested model does to one that enters it.

    Args:
        dtype: Dtype of the nested model's input.
    """

    name = "enter"

    def __init__(self, dtype: str):
        self.dtype = dtype

    def __call__(self, tensor):
        return keras.ops.convert_to_tensor(tensor, dtype=self.dtype)


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


def graph_inside(call: Call) -> Any:
    """The graph of the model that is called; `None` for anything else."""
    return call.operation if has_graph(call.operation) else None


def flatten(
    model: Any, inside: Callable[[Call], Any] = graph_inside
) -> FlatModel:
    """Lists the calls of a model, those inside nested models included.

    Args:
        model: A model with a graph, or a `Graph`.
        inside: Returns the graph to list after a call, a model or a `Graph`,
            or `None`. Defaults to the graphs of nested models.
    """
    inputs = tuple(Ref((), tensor) for tensor in model.inputs)
    known = {ref: ref for ref in inputs}
    calls: list[Call] = []
    outputs = _list(model, (), "", known, calls, inside)
    return FlatModel(tuple(calls), inputs, outputs)


def own_calls(model: Any) -> tuple[Call, ...]:
    """The calls that a model makes itself, nested models unopened, in order.

    Args:
        model: A model with a graph, or a `Graph`.
    """
    return flatten(model, lambda call: None).calls


def calls_of(model: keras.Model) -> dict[str, Call]:
    """Maps the path of every call in a model's graph to it, in order.

    A nested model is followed by what it holds, as in `paths_of`.

    Args:
        model: A model that `has_graph`.
    """
    calls = flatten(model).calls
    return {call.path: call for call in calls if call.node is not None}


def origin(ref: Ref) -> Ref:
    """The same tensor where it is made: inside the nested model it leaves."""
    node = compat.producer(ref.spec)
    while has_graph(node.operation):
        position = [id(t) for t in node.outputs].index(id(ref.spec))
        spec = node.operation.outputs[position]
        ref, node = Ref((*ref.calls, node), spec), compat.producer(spec)
    return ref


def entering(call: Call) -> list[Any]:
    """The arguments of a call in the order of the inputs of what is called."""
    args, kwargs = call.arguments
    if not compat.is_graph(call.operation):
        return keras.tree.flatten(args)
    value = args[0] if args else kwargs["inputs"]
    if isinstance(value, dict) and not isinstance(
        structure_of(call.operation), dict
    ):
        # Keras finds the inputs by name then.
        return [value[tensor.name] for tensor in call.operation.inputs]
    return keras.tree.flatten(value)


def structure_of(model: keras.Model) -> Any:
    """The inputs of a model as it was built with: one, a list, a dictionary.

    A `Sequential` model that was built by its shape has no `input`.
    """
    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    return model.input


def _list(graph, around, prefix, known, calls, inside):
    """Adds the calls of one graph; returns its outputs where they are made."""
    for node, name in _named(compat.graph_nodes(graph)):
        call = _call(node, around, prefix + name, known)
        inner = inside(call)
        if inner is None:
            calls.append(call)
            known.update((ref, ref) for ref in call.outputs)
            continue
        calls.append(dataclasses.replace(call, graph=inner))
        within = (*around, node)
        for value, spec in zip(entering(call), inner.inputs, strict=True):
            ref = known[Ref(within, spec)] = Ref(within, spec)
            calls.append(_entry(call.path, value, ref))
        made = _list(inner, within, f"{call.path}/", known, calls, inside)
        known.update(zip(call.outputs, made, strict=True))
    return tuple(known[Ref(around, tensor)] for tensor in graph.outputs)


def _call(node, around, path, known):
    def refer(value):
        if isinstance(value, keras.KerasTensor):
            return known[Ref(around, value)]
        return value

    return Call(
        path,
        around,
        node,
        node.operation,
        compat.node_arguments(node, refer),
        tuple(map(refer, node.input_tensors)),
        tuple(Ref(around, tensor) for tensor in node.outputs),
    )


def _entry(path, value, ref):
    inputs = (value,) if isinstance(value, Ref) else ()
    enter = EnterModel(ref.spec.dtype)
    return Call(path, ref.calls, None, enter, ((value,), {}), inputs, (ref,))


def _named(nodes):
    """Nodes with the names of what they call, numbered from the second on."""
    by_operation: dict[int, list[Any]] = {}
    for node in nodes:
        by_operation.setdefault(id(node.operation), []).append(node)
    for calls in by_operation.values():
        if len(calls) > 1:
            calls.sort(key=compat.call_position)
    for node in nodes:
        number = by_operation[id(node.operation)].index(node)
        name = node.operation.name
        yield node, f"{name}:{number}" if number else name
