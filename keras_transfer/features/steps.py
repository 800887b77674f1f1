"""A model seen as one flat list of steps, whatever is nested in it."""

import dataclasses
from collections.abc import Callable
from collections.abc import Hashable
from typing import Any

import keras

from keras_transfer import compat


@dataclasses.dataclass(frozen=True)
class Ref:
    """Stands for a tensor: where it is made, and what is known of it.

    Args:
        key: Tells it from every other tensor of the model.
        spec: The symbolic tensor, with shape and dtype.
    """

    key: Hashable
    spec: Any = dataclasses.field(compare=False, hash=False)


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of a layer or an operation.

    Args:
        operation: What is called.
        arguments: `(args, kwargs)`, with a `Ref` for each tensor.
        inputs: The tensors among the arguments.
        outputs: The tensors it returns, flattened.
    """

    operation: Callable
    arguments: tuple[tuple, dict[str, Any]]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]


@dataclasses.dataclass(frozen=True)
class FlatModel:
    """The steps of a model from its inputs to its outputs, in order."""

    steps: tuple[Step, ...]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]


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


def flatten(model: keras.Model) -> FlatModel:
    """Lists the steps of a model, those of nested models included.

    A head is taken apart as well: its `steps` are layers that the features
    pass through one after the other.

    Args:
        model: A model with a static graph.

    Raises:
        ValueError: If the model has no static graph.
    """
    if not compat.is_graph(model):
        raise ValueError(
            f"The model {model.name!r} has no graph that could be divided: it "
            "is subclassed, or a Sequential that has not seen data. Expected "
            "a Functional model, as kt.build_model makes it."
        )
    steps: list[Step] = []
    inputs = tuple(Ref(((), id(t)), t) for t in model.inputs)
    known = {ref.key: ref for ref in inputs}
    outputs = _add_graph(model, (), known, steps)
    return FlatModel(tuple(steps), inputs, outputs)


def _add_graph(model, prefix, known, steps):
    """Adds the steps of one graph; returns its outputs.

    A model that is called twice has the same symbolic tensors in both calls;
    `prefix`, the calls that lead to it, tells them apart.
    """
    for node in compat.graph_nodes(model):
        _add_node(node, prefix, known, steps)
    return tuple(known[prefix, id(tensor)] for tensor in model.outputs)


def _add_node(node, prefix, known, steps):
    def refer(value):
        if isinstance(value, keras.KerasTensor):
            return known[prefix, id(value)]
        return value

    operation = node.operation
    arguments = compat.node_arguments(node, refer)
    inputs = tuple(known[prefix, id(t)] for t in node.input_tensors)
    if compat.is_graph(operation):
        inner = (*prefix, id(node))
        for ref, symbol in zip(inputs, operation.inputs, strict=True):
            entered = Ref((inner, id(symbol)), symbol)
            known[entered.key] = entered
            enter = EnterModel(symbol.dtype)
            steps.append(Step(enter, ((ref,), {}), (ref,), (entered,)))
        made = _add_graph(operation, inner, known, steps)
        for tensor, ref in zip(node.outputs, made, strict=True):
            known[prefix, id(tensor)] = ref
        return
    outputs = tuple(Ref((prefix, id(t)), t) for t in node.outputs)
    known |= {ref.key: ref for ref in outputs}
    if not _is_chain(operation):
        steps.append(Step(operation, arguments, inputs, outputs))
        return
    (current,) = inputs
    *firsts, last = operation.steps
    for number, layer in enumerate(firsts):
        spec = keras.KerasTensor(
            layer.compute_output_shape(current.spec.shape),
            dtype=layer.compute_dtype,
        )
        following = Ref((prefix, id(node), number), spec)
        steps.append(Step(layer, ((current,), {}), (current,), (following,)))
        current = following
    steps.append(Step(last, ((current,), {}), (current,), outputs))


def _is_chain(operation):
    steps = getattr(operation, "steps", None)
    return (
        isinstance(operation, keras.layers.Layer)
        and isinstance(steps, list)
        and bool(steps)
        and all(isinstance(step, keras.layers.Layer) for step in steps)
    )
