"""Activations as arrays, and as maps of the image."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer.checks import model_images
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import has_graph
from keras_transfer.structure.token_grid import grid_of


def as_maps(
    activation: np.ndarray,
    image_size: tuple[int, int],
    model: keras.Model | None = None,
    ref: Ref | None = None,
) -> np.ndarray:
    """Returns an activation as `(batch, height, width, channels)`.

    Tokens are laid out in rows; a class token and registers in front of them
    are left out.

    Args:
        activation: Maps or tokens.
        image_size: Height and width of the image.
        model: The model whose graph shows where tokens come from, if any.
        ref: The activation in that graph.

    Raises:
        ValueError: If tokens do not fill a grid.
    """
    if activation.ndim == 4:
        return activation
    grid = grid_of(
        model, ref, tokens=activation.shape[1], image_size=image_size
    )
    return ops.convert_to_numpy(grid(activation))


def maps_of(
    extractor: keras.Model,
    name: str,
    values: np.ndarray,
    image_size: tuple[int, int],
) -> np.ndarray | None:
    """Returns the maps of one image, or `None` where there are no positions.

    Args:
        extractor: A model that `build_extractor` made.
        name: One of its outputs.
        values: What it returned for the image, without the batch axis.
        image_size: Height and width of the image.

    Raises:
        ValueError: If tokens do not fill a grid.
    """
    if values.ndim == 3:
        return values
    if values.ndim != 2:
        return None
    graph = ()
    if has_graph(extractor):
        graph = extractor, Ref((), extractor.output[name])
    return as_maps(values[None], image_size, *graph)[0]


def resized(maps: Any, image_size: tuple[int, int]) -> np.ndarray:
    """Returns maps as large as the image, interpolated bilinearly.

    Args:
        maps: Array of shape `(batch, height, width)`.
        image_size: Height and width in pixels.
    """
    maps = ops.convert_to_tensor(np.asarray(maps, "float32")[..., None])
    large = ops.image.resize(
        maps, image_size, "bilinear", data_format="channels_last"
    )
    return ops.convert_to_numpy(large)[..., 0]


def see(
    extractor: keras.Model, images: Any
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Returns the images as the model takes them, then its activations.

    Args:
        extractor: A model that `build_extractor` made.
        images: A batch, one image without the batch axis, or paths of files.

    Raises:
        TypeError: If the model returns no dictionary of activations.
        ValueError: If the images do not fit it.
    """
    if not isinstance(extractor, keras.Model) or not hasattr(
        extractor, "paths"
    ):
        raise TypeError(
            "Pictures of activations need an extractor: kt.build_extractor("
            f"model, ['stage_1']). Received: {extractor!r}."
        )
    if has_graph(extractor):
        inputs = model_images.as_inputs(extractor, images)
        packed = keras.tree.pack_sequence_as(extractor.input, inputs)
        if isinstance(packed, (list, tuple)) and len(packed) == 1:
            packed = packed[0]
    else:
        # One that records does not know the shape of its input.
        packed = np.asarray(images, "float32")
        packed = packed[None] if packed.ndim == 3 else packed
        inputs = [packed]
    # Not `predict`, which would trace a function for a single batch.
    activations = extractor(packed, training=False)
    return inputs, {
        name: keras.ops.convert_to_numpy(activations[name])
        for name in extractor.paths
    }


def one_image(
    extractor: keras.Model, image: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns a single image with its activations, without the batch axis.

    Raises:
        TypeError: As for `see`.
        ValueError: As for `see`, or if there are several images.
    """
    inputs, activations = see(extractor, image)
    if len(inputs[0]) != 1:
        raise ValueError(
            f"One picture shows one image. Received {len(inputs[0])}: take "
            "images[0]."
        )
    return inputs[0][0], {name: a[0] for name, a in activations.items()}
