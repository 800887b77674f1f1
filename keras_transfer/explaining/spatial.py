"""Where in a network there are maps, and maps as large as the image."""

from typing import Any

import numpy as np
from keras import ops

from keras_transfer.explaining.graph import Place
from keras_transfer.explaining.network import Network


def place_of_maps(network: Network, at: str | None) -> Place:
    """Returns the place whose activation is explained.

    Args:
        network: The network.
        at: A stage or the path of a layer. Defaults to `None`: the last
            layer whose output still has positions.

    Raises:
        ValueError: If there is no such layer, or its output has no positions.
        TypeError: If `at` is no string.
    """
    if at is None:
        spatial = [p for p in network.places if _has_positions(p)]
        if not spatial:
            raise ValueError(
                f"The model {network.model.name!r} has no layer whose output "
                "has positions, (batch, height, width, channels), so there is "
                "nowhere to draw a map. `kt.saliency` and "
                "`kt.integrated_gradients` explain its input."
            )
        return spatial[-1]
    place = network.place(at)
    if not _has_positions(place):
        raise ValueError(
            f"The output of {at!r} has the shape {tuple(place.tensor.shape)}, "
            "which has no positions to draw a map of. Expected (batch, "
            "height, width, channels) or (batch, tokens, channels)."
        )
    return place


def as_maps(activation: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Returns an activation as `(batch, height, width, channels)`.

    Tokens are laid out in rows; a class token in front of them is left out.

    Args:
        activation: Maps or tokens.
        image_size: Height and width of the image, which tokens divide evenly.

    Raises:
        ValueError: If tokens do not fill a grid.
    """
    if activation.ndim == 4:
        return activation
    grid = grid_of(activation.shape[1], image_size)
    if grid is None:
        raise ValueError(
            f"{activation.shape[1]} tokens do not fill a grid of the image's "
            f"proportions, {image_size[0]} by {image_size[1]}, with or "
            "without a class token. Name a layer with maps, `at=`."
        )
    tokens = activation[:, activation.shape[1] - grid[0] * grid[1] :]
    return tokens.reshape(len(tokens), *grid, tokens.shape[-1])


def grid_of(tokens: int, image_size: tuple[int, int]) -> tuple[int, int] | None:
    """Returns rows and columns that tokens fill, or `None`.

    Args:
        tokens: Their number, with or without one class token.
        image_size: Height and width of the image, whose proportions the grid
            has.

    Example:
    >>> grid_of(197, (224, 224)), grid_of(8, (64, 128)), grid_of(7, (32, 32))
    ((14, 14), (2, 4), None)
    """
    height, width = image_size
    for patches in (tokens, tokens - 1):
        rows = round((patches * height / width) ** 0.5)
        if rows and patches == rows * round(rows * width / height):
            return rows, patches // rows
    return None


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


def image_size_of(inputs: list[np.ndarray]) -> tuple[int, int]:
    """Returns height and width of the first input that is an image.

    Raises:
        ValueError: If no input is.
    """
    for batch in inputs:
        if batch.ndim == 4:
            return batch.shape[1:3]
    raise ValueError(
        "None of the model's inputs is an image, (batch, height, width, "
        f"channels). Received: {[batch.shape for batch in inputs]}."
    )


def _has_positions(place):
    shape = tuple(place.tensor.shape)
    if len(shape) == 4:
        return not (shape[1] == 1 and shape[2] == 1)
    return len(shape) == 3 and shape[1] not in (None, 1)
