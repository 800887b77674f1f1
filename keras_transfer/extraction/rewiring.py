"""Rewiring: one graph that returns activations from inside nested models.

A nested model is replaced by a version of itself that returns more tensors,
made of the calls that it already has; the model around it is replayed call by
call with the replacement in its place. No layer is copied, and what nothing
asked for depends on is left out.

Three simpler ways were tried. `keras.Model(model.input, inner.output)` says
that the output is not connected to the input. `keras.models.clone_model` with
functions that capture the inner tensors gives tensors of the clone's private
input. Calling every inner layer on the outer tensors makes two backbones with
equal layer names collide.
"""

from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import compat


class Rewired(NamedTuple):
    """A graph with the tensors that were asked of it.

    Args:
        inputs: The tensors it starts from, or None for an input that nothing
            asked for depends on.
        kept: Those of the model's own outputs that were to be kept.
        found: The activations, by key.
    """

    inputs: list[Any]
    kept: list[Any]
    found: dict[Any, Any]


def rewire(
    model: keras.Model,
    wanted: dict[Any, tuple[tuple[Any, ...], int]],
    kept: list[int] | None = None,
) -> Rewired:
    """Finds or makes the tensors of activations at any depth of a model.

    Args:
        model: A model with a graph.
        wanted: For each key the nodes that lead to an activation, from the
            outside in, and its position in what the last of them returns.
        kept: Positions of the model's own outputs that are needed as well.
    """
    kept_tensors = [model.outputs[position] for position in kept or []]
    direct = {
        key: nodes[0].outputs[index]
        for key, (nodes, index) in wanted.items()
        if len(nodes) == 1
    }
    deep = {k: (n, i) for k, (n, i) in wanted.items() if len(n) > 1}
    if not deep:
        # No layer is called again: what is asked for is there already.
        inputs = _used(model.inputs, [*kept_tensors, *direct.values()])
        return Rewired(inputs, kept_tensors, direct)

    holders = {id(nodes[0]): nodes[0] for nodes, _ in deep.values()}
    nodes = _needed(model, [*kept_tensors, *direct.values()], holders)
    needed = {id(t) for t in [*kept_tensors, *direct.values()]}
    needed |= {id(t) for node in nodes for t in node.input_tensors}
    replacements = _replacements(nodes, deep, needed)

    tensors = {id(t): _renewed(t) for t in model.inputs}
    found = {}
    for node in nodes:
        replacement = replacements.get(id(node.operation))
        if replacement is None:
            outputs = compat.replay(node, node.operation, tensors)
            tensors.update(zip(map(id, node.outputs), outputs, strict=True))
            continue
        outputs = compat.replay(node, replacement, tensors)
        for position, tensor in zip(replacement.kept, outputs, strict=False):
            tensors[id(node.outputs[position])] = tensor
        inner = dict(
            zip(
                replacement.inner_keys,
                outputs[len(replacement.kept) :],
                strict=True,
            )
        )
        for key, (chain, index) in deep.items():
            if chain[0] is node:
                found[key] = inner[_inner_key(chain, index)]
    found |= {key: tensors[id(t)] for key, t in direct.items()}
    kept_tensors = [tensors[id(t)] for t in kept_tensors]
    inputs = [tensors[id(t)] for t in model.inputs]
    return Rewired(
        _used(inputs, [*kept_tensors, *found.values()]),
        kept_tensors,
        {key: found[key] for key in wanted},
    )


class _Replacement:
    """A nested model that returns more than it did, called as it was."""

    def __init__(self, nested, wanted, kept):
        graph = rewire(nested, wanted, kept)
        self.nested = nested
        self.kept = kept
        self.inner_keys = list(graph.found)
        self.used = [i for i, t in enumerate(graph.inputs) if t is not None]
        self.model = keras.Model(
            [graph.inputs[i] for i in self.used],
            [*graph.kept, *graph.found.values()],
            name=nested.name,
            # The flag alone: setting it later would hand it down to layers
            # that the original shares.
            trainable=nested.trainable,
        )

    def __call__(self, *args, **kwargs):
        value = args[0] if args else kwargs.pop("inputs")
        if isinstance(value, dict) and not isinstance(
            structure_of(self.nested), dict
        ):
            # Keras finds the inputs by name then.
            flat = [value[tensor.name] for tensor in self.nested.inputs]
        else:
            flat = keras.tree.flatten(value)
        return self.model([flat[i] for i in self.used], *args[1:], **kwargs)


def _replacements(nodes, deep, needed):
    """Makes one replacement per nested model, for all of its calls."""
    replacements = {}
    for chain, _ in deep.values():
        operation = chain[0].operation
        if id(operation) in replacements:
            continue
        kept = {
            position
            for node in nodes
            if node.operation is operation
            for position, tensor in enumerate(node.outputs)
            if id(tensor) in needed
        }
        inner = {
            _inner_key(nodes, index): (nodes[1:], index)
            for nodes, index in deep.values()
            if nodes[0].operation is operation
        }
        replacements[id(operation)] = _Replacement(
            operation, inner, sorted(kept)
        )
    return replacements


def _inner_key(chain, index):
    """The same for an activation in whichever call of the nested model."""
    return (*map(id, chain[1:]), index)


def _needed(model, tensors, holders):
    """The calls that some tensors, and some calls, depend on, in order."""
    targets = list(tensors)
    for node in holders.values():
        targets += node.input_tensors
    before = compat.nodes_between(model.inputs, targets)
    wanted = {id(node) for node in before} | set(holders)
    return [n for n in compat.graph_nodes(model) if id(n) in wanted]


def _used(inputs, outputs):
    """The inputs, with None in place of those that no output depends on."""
    reached = {id(tensor) for tensor in outputs}
    for node in compat.nodes_between(inputs, outputs):
        reached |= {id(tensor) for tensor in node.input_tensors}
    return [t if id(t) in reached else None for t in inputs]


def _renewed(tensor):
    layer = compat.producer(tensor).operation
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        name=layer.name,
        optional=getattr(layer, "optional", False),
    )


def structure_of(model: keras.Model) -> Any:
    """The inputs of a model as it was built with: one, a list, a dictionary.

    A `Sequential` model that was built by its shape has no `input`.
    """
    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    return model.input
