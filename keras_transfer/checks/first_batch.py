"""Checks of the first data before any training step."""

from typing import Any

import keras
import numpy as np

from keras_transfer.checks import classifier_loss
from keras_transfer.checks import pixels
from keras_transfer.structure import model_info


def check_data(
    model: keras.Model, x: Any, y: Any = None, classifies: bool = True
) -> None:
    """Refuses data that would train a model to a wrong end.

    Arrays are checked whole, a dataset or `PyDataset` by its first batch; a
    generator is not touched, since looking at it would use it up. Pixels that
    were scaled already are a warning.

    Args:
        model: A model with one input of images and one output.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`.
        classifies: Whether labels are classes. Defaults to `True`.

    Raises:
        ValueError: For labels outside `[0, num_classes)`, labels that are not
            whole numbers, shapes of labels that do not fit the loss, logits
            under a loss for probabilities, images that are booleans, not
            finite or of another shape, or a dataset without a batch.
    """
    classifier_loss.check_loss(model, getattr(model, "loss", None))
    batch = _first_batch(x, y)
    if batch is None:
        return
    images, labels = batch
    pixels.check_images(model, images)
    if labels is not None and classifies:
        check_labels(model, labels)


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


def check_labels(model: keras.Model, labels: np.ndarray) -> None:
    """Refuses labels that a classifier cannot have.

    Args:
        model: A classifier with one output.
        labels: Class numbers, or one-hot rows.

    Raises:
        ValueError: For labels outside `[0, num_classes)`, labels that are not
            whole numbers, or shapes that do not fit the loss.
    """
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
    _check_numbers(model, labels, num_classes, names)
    _check_number_loss(model, labels)


def _check_numbers(model, labels, num_classes, names):
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
    name = classifier_loss.loss_name(getattr(model, "loss", None)) or ""
    if name.startswith("sparse_"):
        raise ValueError(
            f"The labels are one-hot, of shape {labels.shape}, but the loss "
            f"{name!r} expects class numbers. Compile with "
            "kt.compile_for_transfer(model, one_hot=True), or give "
            "labels.argmax(-1)."
        )


def _check_number_loss(model, labels):
    name = classifier_loss.loss_name(getattr(model, "loss", None)) or ""
    if name.startswith("categorical_") and model.output_shape[-1] > 1:
        raise ValueError(
            f"The labels are class numbers, of shape {labels.shape}, but the "
            f"loss {name!r} expects one-hot rows. Compile with "
            "kt.compile_for_transfer(model), or give keras.utils."
            f"to_categorical(labels, {model.output_shape[-1]})."
        )
