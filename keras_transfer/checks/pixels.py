"""Checks of a batch of images against the input of a model."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_transfer.data.pixel_range import find_misfit
from keras_transfer.structure import model_info

# Checked in pieces, so that many images need little memory.
_PIECE = 256


def check_images(
    model: keras.Model,
    images: Any,
    input_shape: tuple[int | None, ...] | None = None,
) -> None:
    """Raises for images that a model would accept but misread.

    Pixels in another range only cause a warning.

    Args:
        model: The model.
        images: The batch.
        input_shape: Shape of the input with the batch axis, where the model
            has several. Defaults to that of its only input.

    Raises:
        ValueError: If the images do not fit the input in shape, are booleans,
            are not finite, or the batch is empty.
    """
    check_shape(model, images, input_shape)
    if not isinstance(images, np.ndarray):
        images = keras.ops.convert_to_numpy(images)
    if not len(images):
        raise ValueError("There is no image: the batch is empty.")
    check_values(images)
    warn_of_scaled_pixels(model, images)


def check_values(images: np.ndarray) -> None:
    """Raises for pixels that are booleans or not finite.

    Args:
        images: A batch, which may be empty.

    Raises:
        ValueError: With the number of pixels that are not finite.
    """
    if images.dtype.kind == "b":
        raise ValueError(
            "Pixels must be numbers. Received booleans, which a model takes "
            "for 0 and 1. Convert them: images.astype('uint8') * 255."
        )
    # Types of other libraries, such as bfloat16, are of kind "V".
    if images.dtype.kind not in "fV":
        return
    count = 0
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE].astype("float32", copy=False)
        # A finite sum means finite terms, and takes no memory.
        with np.errstate(over="ignore", invalid="ignore"):
            is_sound = np.isfinite(piece.sum())
        if not is_sound:
            count += int((~np.isfinite(piece)).sum())
    if count:
        raise ValueError(
            f"Pixels must be finite. Received NaN or infinity in {count} "
            "places."
        )


def check_shape(
    model: keras.Model,
    images: Any,
    input_shape: tuple[int | None, ...] | None = None,
) -> None:
    """Raises for images whose shape does not fit the model's input.

    Args:
        model: The model.
        images: The batch.
        input_shape: Shape of the input with the batch axis, where the model
            has several. Defaults to that of its only input.

    Raises:
        ValueError: With the shape that was expected and a hint at the axis.
    """
    expected = (input_shape or model.input_shape)[1:]
    received = tuple(images.shape)
    fits = len(received) == len(expected) + 1 and all(
        length in (None, actual)
        for length, actual in zip(expected, received[1:], strict=True)
    )
    if fits:
        return
    wanted = ", ".join("any" if n is None else str(n) for n in expected)
    raise ValueError(
        f"The model {model.name!r} expects images of shape (batch, {wanted}). "
        f"Received the shape {received}.{_shape_hint(expected, received)}"
    )


def _shape_hint(expected, received):
    if len(expected) != 3:
        return ""
    if len(received) == 3:
        return " Add the batch axis: images[None], or dataset.batch(32)."
    if len(received) == 4 and received[1] == expected[2] != received[3]:
        return " Channels come last here: move axis 1 to the end."
    if len(received) == 4 and received[3] != expected[2]:
        return (
            f" Images with {received[3]} channels need a backbone made with "
            f"input_shape=(height, width, {received[3]}), or a conversion."
        )
    return " Resize them: `kt.data.from_directory` and file paths do it."


def warn_of_scaled_pixels(model: keras.Model, images: Any) -> None:
    """Warns, once, of pixels in another range than the model expects."""
    expected = (model_info.find(model) or {}).get("input", {}).get("range")
    images = np.asarray(images)
    if expected is None or images.size == 0:
        return
    if images.dtype.kind == "V":  # Such as bfloat16.
        images = images.astype("float32")
    misfit = find_misfit(images, expected)
    if misfit is not None:
        # Python's standard filter shows one text from one place once in a
        # process: so no `stacklevel` moves it.
        warnings.warn(misfit.sentence)  # noqa: B028
