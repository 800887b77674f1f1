"""Checks of the first data before any training step."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_transfer import model_info


def check_data(model: keras.Model, x: Any, y: Any = None) -> None:
    """Refuses labels that the model cannot have, warns of scaled pixels.

    Arrays are checked whole, a dataset or `PyDataset` by its first batch; a
    generator is not touched, since looking at it would use it up.

    Args:
        model: A classifier with one output.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`.

    Raises:
        ValueError: For labels outside `[0, num_classes)`, labels that are not
            whole numbers, shapes of labels that do not fit the loss, or a
            dataset without a batch.
    """
    batch = _first_batch(x, y)
    if batch is None:
        return
    images, labels = batch
    check_shape(model, images)
    warn_of_scaled_pixels(model, images)
    if labels is not None:
        _check_labels(model, labels)


def check_shape(
    model: keras.Model,
    images: Any,
    input_shape: tuple[int | None, ...] | None = None,
) -> None:
    """Refuses a batch of images that does not fit the model's input.

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
        return " Add the batch axis: images[None]."
    if len(received) == 4 and received[1] == expected[2] != received[3]:
        return " Channels come last here: move axis 1 to the end."
    if len(received) == 4 and received[3] != expected[2]:
        return (
            f" Images with {received[3]} channels need a backbone made with "
            f"input_shape=(height, width, {received[3]}), or a conversion."
        )
    return " Resize them: `kt.data.from_directory` and file paths do it."


def warn_of_scaled_pixels(model: keras.Model, images: Any) -> None:
    """Warns, once, when pixels lie in 0-1 but the model expects 0-255."""
    metadata = model_info.find(model)
    if metadata is None or metadata.get("input", {}).get("range") != [0, 255]:
        return
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.floating) or images.size == 0:
        return
    lowest, highest = float(images.min()), float(images.max())
    if highest <= 1.0 and lowest >= -1.0 and highest > lowest:
        # Python's standard filter shows one text from one place once in a
        # process: so the text holds no figures, and no `stacklevel` moves it.
        warnings.warn(  # noqa: B028
            "The pixels lie between -1 and 1, but the model expects 0 to 255: "
            "it scales them itself. Leave out your own scaling (`/ 255`)."
        )


def _first_batch(x, y):
    if isinstance(x, keras.utils.PyDataset):
        return _unpacked(x[0])
    if y is None and hasattr(x, "element_spec"):
        for batch in x.take(1):
            return _unpacked(batch)
        raise ValueError(
            "The dataset yields no batch. Check that its source has images "
            "and that it is not an exhausted iterator."
        )
    if y is None or not hasattr(x, "shape"):
        return None
    return x, keras.ops.convert_to_numpy(y)


def _unpacked(batch):
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    if not hasattr(x, "shape"):
        return None
    x = keras.ops.convert_to_numpy(x)
    return x, None if y is None else keras.ops.convert_to_numpy(y)


def _check_labels(model, labels):
    num_classes = 2 if model.output_shape[-1] == 1 else model.output_shape[-1]
    names = (model_info.find(model) or {}).get("class_names")
    if labels.dtype.kind in "USO":
        raise ValueError(
            f"Labels must be class numbers, 0 to {num_classes - 1}. Received "
            f"text such as {labels.flat[0]!r}. Map it through the class names"
            f"{f' {names}' if names else ''}: names.index(label)."
        )
    one_hot = labels.ndim == 2 and labels.shape[-1] == num_classes
    if one_hot and model.output_shape[-1] > 1:
        _check_one_hot_loss(model, labels)
        return
    if labels.ndim > 2 or (labels.ndim == 2 and labels.shape[-1] != 1):
        raise ValueError(
            f"Labels must be of shape (batch,) with class numbers or (batch, "
            f"{num_classes}). Received the shape {labels.shape}."
        )
    if not np.all(labels == np.floor(labels)):
        raise ValueError(
            "Labels must be whole class numbers. Received "
            f"{labels[labels != np.floor(labels)].flat[0]!r}."
        )
    outside = labels[(labels < 0) | (labels >= num_classes)]
    if outside.size:
        highest = int(labels.max())
        mend = (
            f"Build the head with num_classes={highest + 1}"
            if labels.min() >= 0
            else "Number the classes from 0"
        )
        raise ValueError(
            f"Label {int(outside.flat[0])} is outside [0, {num_classes}): the "
            f"model {model.name!r} has {num_classes} classes"
            f"{f' {names}' if names else ''}, and labels count from 0. "
            f"{mend}, or correct the labels."
        )


def _check_one_hot_loss(model, labels):
    loss = getattr(model, "loss", None)
    name = getattr(loss, "name", loss)
    if isinstance(name, str) and name.startswith("sparse_"):
        raise ValueError(
            f"The labels are one-hot, of shape {labels.shape}, but the loss "
            f"{name!r} expects class numbers. Compile with "
            "kt.compile_for_transfer(model, one_hot=True), or give "
            "labels.argmax(-1)."
        )
