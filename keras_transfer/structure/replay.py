"""The calls of a graph made once more: on numbers, or in another model."""

import dataclasses
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import compat
from keras_transfer.structure import model_info
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import entering
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.graph import structure_of


def leading(
    calls: Sequence[Call], wanted: Iterable[Ref], given: Collection[Ref] = ()
) -> list[Call]:
    """Returns the calls that some tensors depend on, in order.

    Args:
        calls: Calls in order.
        wanted: The tensors.
        given: Tensors that are known, so that nothing is needed for them.
    """
    missing = {ref for ref in wanted if ref not in given}
    found = []
    for call in reversed(calls):
        if not missing.isdisjoint(call.outputs):
            found.append(call)
            missing.update(ref for ref in call.inputs if ref not in given)
    return found[::-1]


def run(
    steps: Iterable[Call],
    values: dict[Ref, Any],
    call: Callable[[Call], Callable[..., Any]] = lambda step: step.operation,
) -> None:
    """Makes calls once more, on symbolic tensors or on numbers.

    Args:
        steps: The calls, in order.
        values: What is known. What the calls return is added; a value that
            is there already stays.
        call: Returns what is called in a step. Defaults to its operation.
    """
    for step in steps:
        args, kwargs = keras.tree.map_structure(
            lambda leaf: values[leaf] if isinstance(leaf, Ref) else leaf,
            step.arguments,
        )
        made = keras.tree.flatten(call(step)(*args, **kwargs))
        for ref, value in zip(step.outputs, made, strict=True):
            values.setdefault(ref, value)


class Rewired(NamedTuple):
    """Symbolic tensors and what they depend on.

    Args:
        inputs: The tensors to begin with, or `None` for an input of the model
            that none of the others depends on.
        outputs: The tensors that were asked for.
    """

    inputs: list[Any]
    outputs: list[Any]


def rewire(
    model: keras.Model, wanted: Sequence[Ref], reduced: Collection[Any] = ()
) -> Rewired:
    """Finds or makes the tensors of activations at any depth of a model.

    A nested model is replaced by a version of itself that returns what is
    asked for, made of the calls that it already has; the model around it is
    replayed call by call with the replacement in its place. No layer is
    copied, and what nothing asked for depends on is left out.

    Three simpler ways were tried. `keras.Model(model.input, inner.output)`
    says that the output is not connected to the input. `clone_model` with
    functions that capture the inner tensors gives tensors of the clone's
    private input. Calling every inner layer on the outer tensors makes two
    backbones with equal layer names collide.

    Args:
        model: A model with a graph.
        wanted: The tensors, the model's own outputs among them if need be.
        reduced: Nested models that are to return no more than is needed, even
            if nothing inside them is wanted.
    """
    calls = own_calls(model)
    inside = {id(nested): [] for nested in reduced}
    for ref in wanted:
        if ref.calls:
            held = inside.setdefault(id(ref.calls[0].operation), [])
            inner = Ref(ref.calls[1:], ref.spec)
            if inner not in held:
                held.append(inner)
    calls = leading(_with_replacements(calls, wanted, inside), wanted)
    reached = {*wanted, *(ref for call in calls for ref in call.inputs)}
    inputs = [Ref((), tensor) for tensor in model.inputs]
    if inside:
        values = {ref: _renewed(ref.spec) for ref in inputs}
        run(calls, values)
    else:
        # No layer is called again: what is asked for is there already.
        values = {ref: ref.spec for ref in [*inputs, *wanted]}
    return Rewired(
        [values[ref] if ref in reached else None for ref in inputs],
        [values[ref] for ref in wanted],
    )


def pack_inputs(model: keras.Model, values: Sequence[Any]) -> Any:
    """Packs values for the inputs of a model as the model takes them.

    Args:
        model: A model with a graph.
        values: One for each input, or `None` to leave it out.
    """
    structure = structure_of(model)
    if all(value is not None for value in values):
        return keras.tree.pack_sequence_as(structure, values)
    names = [tensor.name for tensor in model.inputs]
    used = {
        name: value
        for name, value in zip(names, values, strict=True)
        if value is not None
    }
    if isinstance(structure, dict):
        return used
    return [*used.values()] if len(used) > 1 else next(iter(used.values()))


def pack_outputs(model: keras.Model, values: Sequence[Any]) -> Any:
    """Packs values of the outputs of a model as the model returns them.

    Args:
        model: A model with a graph.
        values: One for each output.
    """
    if isinstance(model, keras.Sequential):
        return values[0]
    return keras.tree.pack_sequence_as(model.output, values)


def _with_replacements(calls, wanted, inside):
    """The calls, with other models in place of those to be replaced."""
    holding = {node for ref in wanted for node in ref.calls[:1]}
    ends = [ref for ref in wanted if not ref.calls]
    for call in calls:
        if call.node in holding:
            ends += call.outputs
    before = leading(calls, ends)
    needed = {ref for call in before for ref in call.inputs}.union(wanted)
    made = {}
    for call in calls:
        nested = call.operation
        if id(nested) in inside and id(nested) not in made:
            kept = {
                position
                for other in calls
                if other.operation is nested
                for position, ref in enumerate(other.outputs)
                if ref in needed
            }
            made[id(nested)] = _Replacement(
                nested, sorted(kept), inside[id(nested)]
            )
    return [
        made[id(call.operation)].called_as(call)
        if id(call.operation) in made
        else call
        for call in calls
    ]


class _Replacement:
    """A nested model that returns what is needed of it."""

    def __init__(self, nested, kept, inside):
        self.kept, self.inside = kept, inside
        outputs = [Ref((), nested.outputs[position]) for position in kept]
        graph = rewire(nested, [*outputs, *inside])
        self.is_used = [tensor is not None for tensor in graph.inputs]
        is_single = len(graph.outputs) == 1
        self.model = keras.Model(
            pack_inputs(nested, graph.inputs),
            graph.outputs[0] if is_single else graph.outputs,
            name=nested.name,
            # The flag alone: setting it later would hand it down to layers
            # that the original shares.
            trainable=nested.trainable,
        )
        record = model_info.provenance_of(nested)
        if record is not None:
            model_info.attach(self.model, record)

    def called_as(self, call):
        """The call of the original as a call of this model."""
        args, kwargs = call.arguments
        if not all(self.is_used):
            pairs = zip(entering(call), self.is_used, strict=True)
            given = [value if is_used else None for value, is_used in pairs]
            args = (pack_inputs(call.operation, given), *args[1:])
            kwargs = {k: v for k, v in kwargs.items() if k != "inputs"}
        leaves = keras.tree.flatten((args, kwargs))
        inner = [Ref((call.node, *r.calls), r.spec) for r in self.inside]
        return dataclasses.replace(
            call,
            operation=self.model,
            arguments=(args, kwargs),
            inputs=tuple(leaf for leaf in leaves if isinstance(leaf, Ref)),
            outputs=(*(call.outputs[i] for i in self.kept), *inner),
        )


def _renewed(tensor):
    layer = compat.producer(tensor).operation
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        name=layer.name,
        optional=getattr(layer, "optional", False),
    )
