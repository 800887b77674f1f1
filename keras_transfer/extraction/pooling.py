"""What is made of activations: vectors, and maps of tokens."""

from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_transfer.heads.generalized_mean_pooling import generalized_mean
from keras_transfer.heads.generalized_mean_pooling import position_axes
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.paths import operations_of
from keras_transfer.structure.token_grid import grid_of

POOLINGS = (None, "avg", "max", "gem")


# The layers of `heads.pooling` are each for one rank and GeM has a weight
# there; an extractor that records knows no rank before it runs, and none of
# its weights may be its own.
@keras.saving.register_keras_serializable(
    "keras_transfer", name="ActivationPooling"
)
class ActivationPooling(keras.layers.Layer):
    """Makes one vector of each activation.

    Args:
        pooling: `"avg"`, `"max"` or `"gem"` (the generalized mean with
            exponent 3) over positions, or `None` to return the activation.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)`, `(batch, tokens, channels)` or any
        other, which stays as it is.

    Output shape: `(batch, channels)` for the first two.

    Raises:
        ValueError: If `pooling` is unknown.

    Example:
    >>> from keras_transfer.extraction.pooling import ActivationPooling
    >>> tuple(ActivationPooling("gem")(np.ones((2, 7, 7, 64))).shape)
    (2, 64)
    """

    def __init__(self, pooling: str | None = None, **kwargs):
        check_pooling(pooling)
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, inputs):
        if self.pooling is None or len(inputs.shape) not in (3, 4):
            return inputs
        axes = position_axes(len(inputs.shape))
        if self.pooling == "avg":
            return ops.mean(inputs, axis=axes)
        if self.pooling == "max":
            return ops.max(inputs, axis=axes)
        # Powers overflow float16 soon.
        features = ops.cast(inputs, self.variable_dtype)
        pooled = generalized_mean(features, 3.0, 1e-6)
        return ops.cast(pooled, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}


def check_pooling(pooling: object) -> None:
    """Raises unless `pooling` is one of `POOLINGS`."""
    if pooling not in POOLINGS:
        raise ValueError(
            "`pooling` of an extractor must be one of "
            f"{', '.join(map(repr, POOLINGS))}. Received: {pooling!r}."
        )


def check_tokens(tokens: object, graph: keras.Model | None) -> None:
    """Raises where tokens cannot be treated as asked.

    Args:
        tokens: See `build_extractor`.
        graph: The model that they are extracted from, or `None` where they
            are recorded.

    Raises:
        ValueError: If `tokens` is unknown, or needs a graph and has none.
    """
    if tokens not in (None, "grid"):
        raise ValueError(
            f"`tokens` must be None or 'grid'. Received: {tokens!r}."
        )
    if tokens == "grid" and graph is None:
        raise ValueError(
            "tokens='grid' finds the grid in the graph of a model, but these "
            "activations are recorded. Ask for them without it and call "
            "kt.TokensToGrid(height, width, prefix_tokens) on them."
        )


def finish(
    graph: keras.Model,
    activations: dict[str, tuple[Any, Ref]],
    pooling: str | None,
    tokens: str | None,
) -> dict[str, Any]:
    """Returns the outputs of an extractor.

    Args:
        graph: The model that the activations come from.
        activations: The tensor of each, and what it stands for in the model.
        pooling: See `build_extractor`.
        tokens: See `build_extractor`.

    Raises:
        ValueError: If tokens shall form a grid that is unknown.
    """
    names = _free_names(graph)
    outputs = {name: tensor for name, (tensor, _) in activations.items()}
    if tokens == "grid":
        for name, (tensor, ref) in activations.items():
            layer_name = next(names)
            if len(tensor.shape) == 3:
                grid = grid_of(graph, ref, name=layer_name)
                outputs[name] = grid(tensor)
    if pooling is not None:
        outputs = {
            name: ActivationPooling(pooling, name=next(names))(tensor)
            for name, tensor in outputs.items()
        }
    return outputs


def _free_names(model: keras.Model) -> Iterator[str]:
    """Names for further layers, none of which the model has already."""
    taken = {operation.name for operation in operations_of(model)}
    number = 0
    while True:
        name = f"output_{number}"
        if name not in taken:
            yield name
        number += 1
