"""Photographs from folders, as a model that is exported wants them."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np

_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}


def check_image_size(model: keras.Model, argument: str) -> None:
    """Raises if photographs cannot be resized for a model.

    Args:
        model: A model of images.
        argument: What the user would have to leave out.

    Raises:
        ValueError: If its image size is open.
    """
    if None in model.input_shape[1:3]:
        raise ValueError(
            f"The model {model.name!r} has no fixed image size, so photographs "
            f"cannot be resized for it. Leave out `{argument}`."
        )


def spread(paths: Sequence[pathlib.Path], count: int) -> list[pathlib.Path]:
    """Returns that many of the files, from all over the list."""
    return list(paths[:: max(1, len(paths) // count)][:count])


def load_photographs(
    model: keras.Model, paths: Sequence[pathlib.Path]
) -> np.ndarray:
    """Returns a batch for a model.

    Args:
        model: A model of images of a fixed size.
        paths: Image files.
    """
    # Decoding needs TensorFlow; made-up images do not.
    from keras_transfer.data import load_image

    height, width, channels = model.input_shape[1:]
    images = [
        load_image(path, (height, width), _MODES[channels]) for path in paths
    ]
    return np.stack(images).astype(model.inputs[0].dtype)
