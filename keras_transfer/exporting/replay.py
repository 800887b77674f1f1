"""Replay of a model's graph, call by call, into a new flat model."""

import itertools
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import compat


class Graph(NamedTuple):
    """A graph that lies inside an operation.

    Args:
        inputs: Symbolic tensors that it begins with.
        outputs: Symbolic tensors that it ends with.
        prefix: What the names of its operations are preceded by; `""` leaves
            them as they are wherever no other operation bears them.
    """

    inputs: list[Any]
    outputs: list[Any]
    prefix: str


def replay(
    model: keras.Model,
    replace: Callable[[Any, str], Callable[..., Any]],
    look_inside: Callable[[Any, tuple, dict], Graph | None] | None = None,
    input_dtype: str | None = None,
) -> keras.Model:
    """Builds a flat model by making the calls of a graph once more.

    Nothing of the old model is touched or shared, unless `replace` returns it.
    Nested models are resolved into their calls.

    Args:
        model: A Functional or a built Sequential model with one input.
        replace: Called once for each operation with the operation and the
            name, unique in the new model, that it may bear there; returns what
            is called in its place.
        look_inside: Called for each call with the operation and its new
            arguments; returns the graph to replay in its place or `None`.
        input_dtype: Dtype of the new input. Defaults to the old one's.

    Returns:
        A Functional model of the same name; several outputs are a list.
    """
    names = {model.inputs[0].name}
    made: dict[int, Callable[..., Any]] = {}
    resolved: dict[int, Graph] = {}

    def graph_in(operation, args, kwargs, prefix):
        if id(operation) in resolved:
            return resolved[id(operation)]
        graph = None
        if compat.is_graph(operation):
            graph = Graph(operation.inputs, operation.outputs, prefix)
        elif look_inside is not None and id(operation) not in made:
            graph = look_inside(operation, args, kwargs)
            if graph is not None:
                full = _unused(prefix, graph.prefix, "", names)
                graph = graph._replace(prefix=full)
        if graph is not None:
            resolved[id(operation)] = graph
        return graph

    def run(graph, inputs, owner):
        tensors = dict(zip(map(id, graph.inputs), inputs, strict=True))
        for node in compat.graph_nodes(graph):
            operation = node.operation
            args, kwargs = compat.node_arguments(
                node, lambda leaf: _converted(leaf, tensors)
            )
            inner = graph_in(operation, args, kwargs, graph.prefix)
            if inner is not None:
                given = [t for t in keras.tree.flatten(args) if _is_symbol(t)]
                outputs = run(inner, given, operation.name)
            else:
                if id(operation) not in made:
                    name = _unused(graph.prefix, operation.name, owner, names)
                    names.add(name)
                    made[id(operation)] = replace(operation, name)
                outputs = made[id(operation)](*args, **kwargs)
                outputs = keras.tree.flatten(outputs)
            tensors.update(zip(map(id, node.outputs), outputs, strict=True))
        return [tensors[id(tensor)] for tensor in graph.outputs]

    old = model.inputs[0]
    image = keras.Input(
        batch_shape=old.shape, dtype=input_dtype or old.dtype, name=old.name
    )
    outputs = run(Graph(model.inputs, model.outputs, ""), [image], "")
    return keras.Model(
        image, outputs if len(outputs) > 1 else outputs[0], name=model.name
    )


def _is_symbol(leaf):
    return isinstance(leaf, keras.KerasTensor)


def _converted(leaf, tensors):
    if _is_symbol(leaf):
        return tensors[id(leaf)]
    if isinstance(leaf, keras.Variable) or keras.ops.is_tensor(leaf):
        # Weights that a layer computes with by itself become constants, which
        # a saved file can hold.
        return keras.ops.convert_to_numpy(leaf)
    return leaf


def _unused(prefix, name, owner, names):
    """A name that no operation bears yet, with the owner's if need be."""
    name = f"{prefix}_{name}" if prefix else name
    numbered = (f"{name}_{number}" for number in itertools.count(1))
    candidates = itertools.chain(
        [name], [f"{owner}_{name}"] if owner else [], numbered
    )
    return next(c for c in candidates if c not in names)
