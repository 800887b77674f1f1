"""Predictions of a Keras model as its task has them."""

import os
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.checks import pixels
from keras_transfer.checks.outputs import UNKNOWN
from keras_transfer.checks.outputs import output_activation
from keras_transfer.checks.outputs import outputs_of
from keras_transfer.names import check_whole_number
from keras_transfer.serving.ranking import Prediction
from keras_transfer.serving.ranking import rank
from keras_transfer.serving.reading import Reading
from keras_transfer.serving.reading import check_wanted
from keras_transfer.serving.reading import combined
from keras_transfer.serving.reading import told
from keras_transfer.serving.said import Said
from keras_transfer.serving.said import Wanted
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.task import Task


def predict_labels(
    model: keras.Model,
    images: Any,
    threshold: float | None = None,
    probabilities: bool = False,
) -> Any:
    """Returns what a model says of each image, as its task has it.

    Args:
        model: A model that `build_model` made.
        images: Pixels from 0 to 255 of shape `(batch, height, width,
            channels)`, one image without the batch axis, or paths of image
            files.
        threshold: With `task="multi_label"`, the probability from which on a
            label is predicted. Defaults to `None`: the model's own of each.
        probabilities: Whether to return, in place of classes, labels and
            grades, the probability of each by its name. Defaults to `False`.

    Returns:
        For each image the name of the most probable class or grade; with
        `task="multi_label"` the list of the labels whose probability reaches
        their threshold; with `task="regression"` a dictionary of the numbers
        by name, in their units. Numbers of classes or outputs, as text, stand
        for names that the model does not have. For several outputs, a
        dictionary with such a list for each.

    Raises:
        ValueError: If the images do not fit the model's input, are boolean or
            not finite, a file cannot be read, or there is a threshold and no
            output has labels.

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
    readings = readings_of(model)
    check_wanted(readings, threshold, "`threshold`")
    rows: list[tuple[Said, ...]] = []
    for outputs in _outputs(model, images, 32):
        values = _values(model, readings, outputs)
        rows += told(readings, values, Wanted(1, threshold, probabilities))
    by_output = {
        reading.name: [_plain(said[place]) for said in rows]
        for place, reading in enumerate(readings)
    }
    return by_output[None] if [*by_output] == [None] else by_output


def _plain(said):
    if said.kind == "regression":
        return {number.name: number.value for number in said.entries}
    if said.every is not None:
        return {p.label: p.probability for p in said.every}
    labels = [prediction.label for prediction in said.entries]
    return labels if said.kind == "multi_label" else labels[0]


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
    for (outputs,) in _outputs(model, images, batch_size):
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
    (reading,) = readings_of(model)
    return rank(class_probabilities(model, outputs), reading.names, top)


def class_probabilities(model: keras.Model, outputs: np.ndarray) -> np.ndarray:
    """Returns a probability for each class, also from logits or one unit.

    Args:
        model: A classifier.
        outputs: What it returned, of shape `(batch, units)`.

    Raises:
        ValueError: For outputs of a kind that its graph does not tell, which
            are no probabilities either.
    """
    return _values(model, readings_of(model), [outputs])


def readings_of(model: keras.Model) -> tuple[Reading, ...]:
    """Returns how each output of a model is to be read, in order.

    Args:
        model: Any model with a graph, or one that says `output_activation`.
    """
    records = output_records(model)
    if len(records) == 1:
        kinds = {records[0].name: output_activation(model)}
    else:
        kinds = {output.name: output.kind for output in outputs_of(model)}
    shapes = [tensor.shape for tensor in getattr(model, "outputs", ())]
    return tuple(
        Reading(
            name=record.name,
            units=shape[-1],
            activation=kinds[record.name],
            class_names=record.class_names and tuple(record.class_names),
            task=record.task or Task(),
        )
        for record, shape in zip(records, shapes, strict=True)
    )


def _values(model, readings, outputs):
    for reading, rows in zip(readings, outputs, strict=True):
        if rows.ndim != 2:
            raise ValueError(
                f"The model {model.name!r} returns the shape {rows.shape}. "
                "Expected one row for each image, (batch, units), to tell "
                "labels from; `model.predict` returns the numbers."
            )
        is_classes = reading.task.kind == "classification"
        if is_classes and reading.activation == UNKNOWN and rows.shape[-1] > 1:
            sums = rows.sum(-1, dtype="float64")
            if (rows < 0).any() or (abs(sums - 1) > 0.01).any():
                raise ValueError(
                    f"The graph of {model.name!r} does not tell whether its "
                    "outputs are logits, and they do not add up to 1. End it "
                    "in a softmax, or give the last layer an attribute "
                    "`output_activation` such as 'linear'."
                )
    return combined(readings, outputs)


def _outputs(model, images, batch_size):
    for batch in _batches(model, images, batch_size):
        pixels.check_images(model, batch)
        yield keras.tree.flatten(model.predict(batch, verbose=0))


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
