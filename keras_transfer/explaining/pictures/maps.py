"""Activations as maps of the image."""

from typing import Any

import numpy as np
from keras import ops


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
