"""Images in the form that a model expects."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import pixels
from keras_transfer.data.images import COLOR_MODES
from keras_transfer.data.images import load_image
from keras_transfer.data.pixel_range import find_misfit
from keras_transfer.structure import model_info


def as_inputs(model: keras.Model, images: Any) -> list[np.ndarray]:
    """Returns a batch for each of a model's inputs, checked, as float32.

    Args:
        model: A model with a static graph.
        images: A batch of pixels in the range that the model expects, one
            image without the batch axis, or paths of image files; for a model
            with several inputs a list or a dictionary of batches.

    Returns:
        Arrays in the order of `model.inputs`.

    Raises:
        ValueError: If the images do not fit the input in shape or range, are
            not finite, or there are none.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> [batch.shape for batch in as_inputs(model, np.zeros((8, 8, 3)))]
    [(1, 8, 8, 3)]
    """
    if isinstance(images, (str, os.PathLike)):
        images = [images]
    if are_paths(images) and len(images):
        return [decode_for(model, images)]
    batches = [
        _batch(model, tensor, part)
        for tensor, part in zip(
            model.inputs, _parts(model, images), strict=True
        )
    ]
    lengths = {len(batch) for batch in batches}
    if len(lengths) > 1:
        raise ValueError(
            f"The inputs of {model.name!r} must hold equally many images. "
            f"Received: {[len(batch) for batch in batches]}."
        )
    return batches


def are_paths(images: Any) -> bool:
    """Whether images are a sequence of paths, which may be empty."""
    return isinstance(images, Sequence) and all(
        isinstance(image, (str, pathlib.PurePath)) for image in images
    )


def decode_for(
    model: keras.Model, paths: Sequence[str | os.PathLike]
) -> np.ndarray:
    """Reads photographs at the size and with the channels that a model takes.

    Args:
        model: A model with one input of images.
        paths: The files.

    Returns:
        A batch of float32.

    Raises:
        ValueError: If the model has other inputs or no fixed size, or a file
            is unreadable.
    """
    size, mode = form_of(model, "Load them yourself and pass arrays.")
    return np.stack([load_image(path, size, mode) for path in paths])


def form_of(model: keras.Model, advice: str) -> tuple[tuple[int, int], str]:
    """Returns the size and the color mode in which a model takes photographs.

    Args:
        model: A model with one input of images.
        advice: What to do where it does not say.

    Raises:
        ValueError: If the model has other inputs or no fixed size.
    """
    shape = model.input_shape
    is_batch = isinstance(shape, tuple) and len(shape) == 4
    if not is_batch or shape[3] not in COLOR_MODES:
        raise ValueError(
            f"The model {model.name!r} does not take one batch of images, so "
            f"files cannot be read for it. Its input shape is {shape}. "
            f"{advice}"
        )
    height, width, channels = shape[1:]
    if height is None or width is None:
        raise ValueError(
            f"The model {model.name!r} has no fixed image size, so files "
            f"cannot be resized for it. {advice}"
        )
    return (height, width), COLOR_MODES[channels]


def _parts(model, images):
    """One part for each input, in their order."""
    if isinstance(images, dict):
        # A Sequential model refuses to tell its input, but has only one.
        structure = getattr(model, "input", None)
        keys = (
            sorted(structure)
            if isinstance(structure, dict)
            else [tensor.name for tensor in model.inputs]
        )
        if set(images) != set(keys):
            raise ValueError(
                f"The model {model.name!r} expects the inputs {keys}. "
                f"Received: {sorted(images)}."
            )
        return [images[key] for key in keys]
    if len(model.inputs) == 1:
        return [images]
    if not isinstance(images, (list, tuple)) or len(images) != len(
        model.inputs
    ):
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs: pass a "
            "list with a batch for each of them. Received: "
            f"{type(images).__name__}."
        )
    return list(images)


def _batch(model, tensor, images):
    images = np.asarray(images)
    if images.dtype.kind not in "biuf":
        raise ValueError(
            f"Images must be numbers. Received an array of {images.dtype} "
            f"for the model {model.name!r}."
        )
    if images.ndim == len(tensor.shape) - 1:
        images = images[None]
    _check_range(model, images)
    pixels.check_images(model, images, tensor.shape)
    return images.astype("float32")


def _check_range(model, images):
    metadata = model_info.find(model) or {}
    expected = metadata.get("input", {}).get("range")
    if expected is None or not images.size:
        return
    misfit = find_misfit(images, expected)
    if misfit is not None and misfit.is_outside:
        raise ValueError(f"{misfit.sentence} The model is {model.name!r}.")
