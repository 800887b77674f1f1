"""What is made of activations in a graph: grids of tokens, vectors."""

from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.extraction.calls import has_graph
from keras_transfer.extraction.plan import Plan
from keras_transfer.extraction.pooling import ActivationPooling
from keras_transfer.structure.paths import operations_of
from keras_transfer.structure.token_grid import grid_of


def finish(
    plan: Plan,
    tensors: dict[str, Any],
    pooling: str | None,
    tokens: str | None,
) -> dict[str, Any]:
    """Returns the outputs of an extractor.

    Args:
        plan: What is taken, from which graph.
        tensors: The activations by name.
        pooling: See `build_extractor`.
        tokens: See `build_extractor`.

    Raises:
        ValueError: If tokens shall form a grid that is unknown.
    """
    names = _free_names(plan.graph)
    if tokens == "grid":
        tensors = {
            name: _as_grid(plan, name, tensor, next(names))
            for name, tensor in tensors.items()
        }
    if pooling is not None:
        tensors = {
            name: ActivationPooling(pooling, name=next(names))(tensor)
            for name, tensor in tensors.items()
        }
    return tensors


def check_tokens(tokens: object, plan: Plan) -> None:
    """Raises where tokens cannot be treated as asked.

    Raises:
        ValueError: If `tokens` is unknown, or needs a graph and has none.
    """
    if tokens not in (None, "grid"):
        raise ValueError(
            f"`tokens` must be None or 'grid'. Received: {tokens!r}."
        )
    if tokens == "grid" and plan.graph is None:
        raise ValueError(
            "tokens='grid' finds the grid in the graph of a model, but these "
            "activations are recorded. Ask for them without it and call "
            "kt.TokensToGrid(height, width, prefix_tokens) on them."
        )


def _as_grid(plan, name, tensor, layer_name):
    if len(tensor.shape) != 3:
        return tensor
    wanted = plan.activations[name]
    around = wanted.call.nodes[:-1]
    model, inner = around[-1].operation if around else plan.graph, wanted.tensor
    # Where tokens leave a nested model, their grid is known inside.
    while has_graph(compat.producer(inner).operation):
        node = compat.producer(inner)
        position = [id(t) for t in node.outputs].index(id(inner))
        model, inner = node.operation, node.operation.outputs[position]
    return grid_of(model, inner, name=layer_name)(tensor)


def _free_names(model: keras.Model):
    """Names for further layers, none of which the model has already."""
    taken = {operation.name for operation in operations_of(model)}
    number = 0
    while True:
        name = f"output_{number}"
        if name not in taken:
            yield name
        number += 1
