"""Predictions of a Keras model as class names."""

import os
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.checks import pixels
from keras_transfer.checks.outputs import UNKNOWN
from keras_transfer.checks.outputs import output_activation
from keras_transfer.names import check_whole_number
from keras_transfer.serving.ranking import Prediction
from keras_transfer.serving.ranking import probabilities_of
from keras_transfer.serving.ranking import rank
from keras_transfer.structure import model_info
from keras_transfer.structure.task import task_of

_MANY = 100


def predict_labels(model: keras.Model, images: Any) -> list[Any]:
    """Returns what a model says of each image, as its task has it.

    Args:
        model: A model that `build_model` made.
        images: Pixels from 0 to 255 of shape `(batch, height, width,
            channels)`, one image without the batch axis, or paths of image
            files.

    Returns:
        For each image the name of the most probable class or grade; with
        `task="multi_label"` the list of the labels whose probability reaches
        their threshold; with `task="regression"` a dictionary of the numbers
        by name, in their units. Numbers of classes or outputs, as text, stand
        for names that the model does not have.

    Raises:
        ValueError: If the images do not fit the model's input, are boolean or
            not finite, or a file cannot be read.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax", kernel_initializer="zeros")])
    >>> kt.predict_labels(model, np.zeros((1, 8, 8, 3), "uint8"))
    ['0']
    """
    task = task_of(model)
    if task.kind not in ("multi_label", "regression"):
        return [best[0].label for best in predict(model, images, top=1)]
    outputs = np.concatenate([*_outputs(model, images, 32)])
    if task.kind == "regression":
        if task.targets is not None:
            outputs = task.targets.restored(outputs)
        named = task.targets.names if task.targets else None
        named = named or [str(i) for i in range(outputs.shape[-1])]
        return [dict(zip(named, row, strict=True)) for row in outputs.tolist()]
    if output_activation(model) == "linear":
        # The tails of exp overflow harmlessly to the right limit.
        with np.errstate(over="ignore"):
            outputs = 1 / (1 + np.exp(-outputs.astype("float64")))
    chosen = outputs >= (task.thresholds or 0.5)
    named = np.array(class_names(model, outputs.shape[-1]), dtype=object)
    return [named[row].tolist() for row in chosen]


def predict(
    model: keras.Model, images: Any, top: int = 1, batch_size: int = 32
) -> list[list[Prediction]]:
    """Returns the most probable classes of each image, best first.

    Args:
        model: A classifier that `build_model` made.
        images: As for `predict_labels`.
        top: Number of classes for each image, at least 1; all of them if there
            are fewer. Defaults to 1.
        batch_size: Number of images decoded and predicted at a time. Defaults
            to 32.

    Raises:
        ValueError: As for `predict_labels`, or if `top` is below 1.
    """
    check_whole_number("top", top, least=1)
    rows: list[list[Prediction]] = []
    for outputs in _outputs(model, images, batch_size):
        rows += ranked(model, outputs, top)
    return rows


def ranked(
    model: keras.Model, outputs: np.ndarray, top: int
) -> list[list[Prediction]]:
    """Returns the most probable classes for a classifier's outputs.

    Args:
        model: The classifier.
        outputs: Its outputs, of shape `(batch, num_classes)`.
        top: Number of classes for each row.
    """
    probabilities = class_probabilities(model, outputs)
    names = class_names(model, probabilities.shape[-1])
    return rank(probabilities, names, top)


def class_probabilities(model: keras.Model, outputs: np.ndarray) -> np.ndarray:
    """Returns a probability for each class, also from logits or one unit.

    Args:
        model: A classifier.
        outputs: What it returned, of shape `(batch, units)`.

    Raises:
        ValueError: For outputs of a kind that its graph does not tell, which
            are no probabilities either.
    """
    kind = output_activation(model)
    if kind == UNKNOWN and outputs.shape[-1] > 1:
        sums = outputs.sum(-1, dtype="float64")
        if (outputs < 0).any() or (abs(sums - 1) > 0.01).any():
            raise ValueError(
                f"The graph of {model.name!r} does not tell whether its "
                "outputs are logits, and they do not add up to 1. End it in a "
                "softmax, or give the last layer an attribute "
                "`output_activation` such as 'linear'."
            )
    return probabilities_of(outputs, kind)


def class_names(model: keras.Model, count: int) -> list[str]:
    """Returns the model's class names, or class numbers if it has none."""
    names = (model_info.find(model) or {}).get("class_names")
    return list(names) if names else [str(i) for i in range(count)]


def _outputs(model, images, batch_size):
    for batch in _batches(model, images, batch_size):
        pixels.check_images(model, batch)
        yield model.predict(batch, verbose=0)


def _batches(model, images, batch_size):
    if isinstance(images, (str, os.PathLike)):
        images = [images]
    if model_images.are_paths(images):
        for start in range(0, len(images), batch_size):
            yield model_images.decode_for(
                model, images[start : start + batch_size]
            )
        return
    images = np.asarray(images)
    if images.ndim == len(model.input_shape) - 1:
        images = images[None]
    pixels.check_shape(model, images)
    for start in range(0, len(images), batch_size):
        yield images[start : start + batch_size]
