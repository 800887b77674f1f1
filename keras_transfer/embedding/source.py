"""What `embed` was given, as rows of pixels in a known order."""

import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import pixels
from keras_transfer.data.images import COLOR_MODES
from keras_transfer.data.images import as_image_size
from keras_transfer.data.listing import find_images
from keras_transfer.embedding.photographs import Photographs
from keras_transfer.feature_store.fingerprint import fingerprint_arrays
from keras_transfer.structure import anatomy

_OF_CLASSES = ("softmax", "sigmoid", "log_softmax")


class Pixels:
    """Images in an array, which may be a memory map.

    Args:
        array: Of shape `(rows, height, width, channels)`.
    """

    paths = None
    labels = None
    class_names = None
    root = None

    def __init__(self, array: np.ndarray):
        self.array = array

    def __len__(self):
        return len(self.array)

    def fingerprint(self) -> dict[str, Any]:
        """Returns what tells this array from another."""
        return fingerprint_arrays(self.array)

    def batches(
        self, start: int, batch_size: int, image_size: Any, color_mode: str
    ) -> Iterator[np.ndarray]:
        """Yields rows of the array as float32."""
        for first in range(start, len(self), batch_size):
            rows = self.array[first : first + batch_size]
            yield np.asarray(rows, "float32")


def find_source(model: keras.Model, data: Any) -> Photographs | Pixels:
    """Returns the rows that data stand for.

    Args:
        model: The model that will see them.
        data: As for `embed`.

    Raises:
        ValueError: There is no image, or the images do not fit the model.
        TypeError: The data are of another kind.
    """
    if isinstance(data, str | os.PathLike):
        return Photographs.below(data)
    if hasattr(data, "file_paths"):
        return Photographs(
            tuple(map(pathlib.Path, data.file_paths)),
            tuple(map(int, data.labels)),
            tuple(data.class_names),
        )
    if isinstance(data, Sequence) and all(
        isinstance(path, str | os.PathLike) for path in data
    ):
        if not data:
            raise ValueError("There is no image: the list of files is empty.")
        images, unread = find_images(data)
        return Photographs(tuple(images), unread=unread)
    if isinstance(data, np.ndarray):
        pixels.check_shape(model, data)
        if not len(data):
            raise ValueError("There is no image: the array has no rows.")
        pixels.check_values(data)
        pixels.warn_of_scaled_pixels(model, data[:32])
        return Pixels(data)
    raise TypeError(
        "`data` must be a folder, a list of image files, a data set of "
        "kt.data.from_directory, or an array of images. Received: an object "
        f"of type {type(data).__name__}."
    )


def reading_of(
    model: keras.Model, image_size: int | tuple[int, int] | None
) -> tuple[tuple[int, int], str]:
    """Returns the size and the colours in which a model sees photographs.

    Args:
        model: The model.
        image_size: Asked for; `None` for that of the model.

    Raises:
        ValueError: The model does not take one image, has no size of its own
            and none is asked for, or has another one.
    """
    shape = getattr(model, "input_shape", None)
    if (
        not isinstance(shape, tuple)
        or len(shape) != 4
        or shape[-1] not in COLOR_MODES
    ):
        raise ValueError(
            f"The model {model.name!r} must take one batch of images, of shape "
            f"(batch, height, width, {' or '.join(map(str, COLOR_MODES))}). "
            f"Its input shape is {shape}."
        )
    own = shape[1:3]
    if image_size is None and None in own:
        raise ValueError(
            f"The model {model.name!r} takes images of any size: say which "
            "with image_size=(height, width)."
        )
    size = as_image_size(own if image_size is None else image_size)
    if any(a not in (None, b) for a, b in zip(own, size, strict=True)):
        raise ValueError(
            f"The model {model.name!r} takes images of {own[0]} by {own[1]} "
            f"pixels. Received: image_size={image_size!r}"
        )
    return size, COLOR_MODES[shape[-1]]


def check_features(model: keras.Model, at: Any) -> None:
    """Raises if a classifier without a nested backbone is to be embedded whole.

    The backbone of such a model is the model itself, and its output would be
    the probabilities of classes, which make poor embeddings.

    Args:
        model: Any Keras model.
        at: The activation that is asked for.

    Raises:
        ValueError: With what to ask for.

    Example:
    >>> check_features(keras.Sequential([keras.Input((8, 8, 3))]), "backbone")
    """
    if at != "backbone" or not model.layers or anatomy.dissect(model).path:
        return
    last = model.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if activation in _OF_CLASSES or isinstance(last, keras.layers.Softmax):
        before = [layer.name for layer in model.layers[-3:-1]]
        raise ValueError(
            f"The model {model.name!r} has no nested backbone; its output is "
            "probabilities of classes, no features. Name the layer to embed: "
            f"`at=`. Before the classes there are {before}."
        )
