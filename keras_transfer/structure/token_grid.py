"""Tokens of a transformer, put back where they come from in the image."""

import dataclasses
import math

import keras
from keras import ops

from keras_transfer.structure import cuts
from keras_transfer.structure import model_info
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import origin
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.replay import leading


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="TokensToGrid"
)
class TokensToGrid(keras.layers.Layer):
    """Turns the tokens of an image's patches into a feature map.

    Args:
        height: Number of patches from top to bottom, at least 1.
        width: Number of patches from left to right, at least 1.
        prefix_tokens: Number of tokens in front of those of the patches, such
            as the class token, which are left out. Defaults to 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, prefix_tokens + height * width, channels)`.

    Output shape:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: At build, for another number of tokens.

    Example:
    >>> import keras_transfer as kt
    >>> import numpy as np
    >>> layer = kt.TokensToGrid(2, 3, prefix_tokens=1)
    >>> tuple(layer(np.ones((1, 7, 4))).shape)
    (1, 2, 3, 4)
    """

    def __init__(
        self, height: int, width: int, prefix_tokens: int = 0, **kwargs
    ):
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.prefix_tokens = prefix_tokens

    def build(self, input_shape):
        expected = self.prefix_tokens + self.height * self.width
        if len(input_shape) != 3 or input_shape[1] != expected:
            raise ValueError(
                f"TokensToGrid expects {self.prefix_tokens} + {self.height} x "
                f"{self.width} tokens, (batch, {expected}, channels). "
                f"Received: input_shape={tuple(input_shape)}."
            )

    def call(self, inputs):
        patches = inputs[:, self.prefix_tokens :]
        shape = (-1, self.height, self.width, inputs.shape[-1])
        return ops.reshape(patches, shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[2])

    def get_config(self):
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "prefix_tokens": self.prefix_tokens,
        }


def grid_of(
    model: keras.Model | None,
    ref: Ref | None,
    *,
    tokens: int | None = None,
    image_size: tuple[int, int] | None = None,
    **kwargs,
) -> TokensToGrid:
    """Makes the layer that puts the tokens of a model into a grid.

    The grid is that of the last feature map that the tokens were made of.
    Tokens that are more than its positions stand in front of them: a class
    token, registers. Where the graph shows no such map, and only if the size
    of the image is given, the grid has the proportions of the image, with or
    without a class token.

    Args:
        model: A model with a graph; `None` where there is none.
        ref: One of its tensors, `(batch, tokens, channels)`; `None` without
            a model.
        tokens: Number of tokens. Defaults to what the graph says.
        image_size: Height and width of the image. Defaults to `None`: the
            grid must be known from the graph.
        **kwargs: Arguments of `keras.layers.Layer`.

    Returns:
        A layer to be called with the tokens.

    Raises:
        ValueError: If the tensor holds no tokens, or their grid is unknown.

    Example:
    >>> image = keras.Input((32, 48, 3))
    >>> x = keras.layers.Conv2D(8, 16, 16)(image)
    >>> x = keras.layers.ZeroPadding1D((1, 0))(
    ...     keras.layers.Reshape((-1, 8))(x)
    ... )
    >>> layer = grid_of(keras.Model(image, x), Ref((), x))
    >>> layer.height, layer.width, layer.prefix_tokens
    (2, 3, 1)
    """
    if ref is not None and len(ref.spec.shape) != 3:
        raise ValueError(
            "Only tokens, (batch, tokens, channels), can be put into a grid. "
            f"Received: features of shape {tuple(ref.spec.shape)} of "
            f"{model.name!r}."
        )
    number = ref.spec.shape[1] if tokens is None else tokens
    size = _size_of_last_map(model, ref) if ref is not None else (None, None)
    if None in (*size, number) or math.prod(size) > number:
        size = _size_by_proportions(model, ref, number, image_size)
    return TokensToGrid(*size, number - math.prod(size), **kwargs)


def _size_of_last_map(model, ref):
    ref = origin(ref)
    around, tensors = ref.calls, [ref.spec]
    while True:
        owner = around[-1].operation if around else model
        ends = [Ref((), tensor) for tensor in tensors]
        upstream = {call.node for call in leading(own_calls(owner), ends)}
        maps = [
            call.outputs[0].spec.shape[1:3]
            # Attention, too, computes with four axes, beside its shortcut.
            for call in cuts.cut_safe_calls(owner)
            if call.node in upstream and len(call.outputs[0].spec.shape) == 4
        ]
        if maps or not around:
            return maps[-1] if maps else (None, None)
        # A nested model that is given tokens: they are made around it.
        around, tensors = around[:-1], around[-1].input_tensors


def _size_by_proportions(model, ref, number, image_size):
    if image_size is None:
        raise ValueError(
            f"The grid of the tokens of {model.name!r}, of shape "
            f"{tuple(ref.spec.shape)}, is unknown, since they are not made of "
            "a feature map of known size. Give the backbone an `input_shape` "
            "such as (224, 224, 3), or call "
            "kt.TokensToGrid(height, width, prefix_tokens) yourself."
        )
    height, width = image_size
    for patches in (number, number - 1):
        rows = round((patches * height / width) ** 0.5)
        if rows and patches == rows * round(rows * width / height):
            return rows, patches // rows
    raise ValueError(
        f"{number} tokens do not fill a grid of the image's proportions, "
        f"{height} by {width}, with or without a class token. Name a layer "
        "with maps, `at=`."
    )


def features_as_grid(backbone: keras.Model) -> keras.Model:
    """Makes feature maps of the tokens that a backbone ends with.

    What works on maps then works on transformers, and `pooling="avg"`
    averages the patches alone, without class token and registers.

    Args:
        backbone: A Functional model from images of a known size to
            `(batch, tokens, channels)`, such as ViT or DINOv2.

    Returns:
        A model of the same layers whose output has the shape
        `(batch, height, width, channels)`, in patches.

    Raises:
        ValueError: If the backbone does not end with tokens, or their grid is
            unknown.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> image = keras.Input((32, 48, 3))
    >>> x = keras.layers.Conv2D(8, 16, 16)(image)
    >>> x = keras.layers.Reshape((-1, 8))(x)
    >>> kt.features_as_grid(keras.Model(image, x)).output_shape
    (None, 2, 3, 8)
    """
    grid = grid_of(backbone, Ref((), backbone.output), name="grid")
    model = keras.Model(
        backbone.input, grid(backbone.output), name=backbone.name
    )
    record = model_info.provenance_of(backbone)
    if record is not None:
        *before, (last, _) = record.stages
        stages = (*before, (last, grid.name))
        model_info.attach(model, dataclasses.replace(record, stages=stages))
    return model
