"""A model of any format as a function from pixels to what it says of them."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_transfer.data.images import COLOR_MODES
from keras_transfer.serving.opening import format_of
from keras_transfer.serving.opening import open_classifier
from keras_transfer.structure.task import Task

_LOGITS = (None, "linear")


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A model that is judged.

    Args:
        name: Name of the model or its file.
        says: Returns for a batch of pixels a probability of each class or
            label, or numbers in their units, as float64.
        task: What its outputs stand for.
        class_names: Names of classes, labels or numbers, or `None`.
        input_shape: `(height, width, channels)`.
        batch_size: Images to compute together.
        model: The Keras model, or `None` for another format.
    """

    name: str
    says: Callable[[np.ndarray], np.ndarray]
    task: Task
    class_names: tuple[str, ...] | None
    input_shape: tuple[int, int, int]
    batch_size: int = 32
    model: Any = None

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.input_shape[:2]

    @property
    def color_mode(self) -> str:
        """Color mode that photographs are decoded to."""
        return COLOR_MODES[self.input_shape[2]]


def open_predictor(model: Any, trust: bool = False) -> Predictor:
    """Returns a model, or one in a file of any format, as a predictor.

    Args:
        model: A Keras model, or the path of a `.keras` file or an exported
            one.
        trust: As for `open_classifier`.

    Raises:
        TypeError: For anything else.
        ValueError: If there is no such file, or it does not take one image.
    """
    if isinstance(model, str | os.PathLike):
        path = pathlib.Path(model)
        if format_of(path) != "keras":
            return _of_classifier(open_classifier(path, trust), path.name)
        from keras_transfer.saving.loading import load_model

        return _of_model(load_model(path), path.name)
    if not hasattr(model, "predict_on_batch"):
        raise TypeError(
            "Expected a Keras model, or the path of a .keras file or an "
            f"exported one. Received: {model!r:.80}."
        )
    return _of_model(model, model.name)


def check_pixels(predictor: Predictor, images: np.ndarray) -> None:
    """Raises for images that a model would accept but misread.

    Args:
        predictor: The model.
        images: Of shape `(rows, height, width, channels)`.

    Raises:
        ValueError: If their shape is not that of the model's input, or they
            are booleans or not finite.
    """
    if images.shape[1:] != predictor.input_shape:
        raise ValueError(
            f"The model {predictor.name!r} takes images of shape "
            f"{predictor.input_shape}. Received: {images.shape[1:]}."
        )
    if predictor.model is not None:
        from keras_transfer.checks import pixels

        pixels.check_images(predictor.model, images)


def _of_model(model, name):
    # Not at the top: what was exported is judged without Keras.
    from keras_transfer.checks.outputs import output_activation
    from keras_transfer.serving.classifier import check_image_shape
    from keras_transfer.serving.prediction import class_probabilities
    from keras_transfer.structure import model_info
    from keras_transfer.structure.task import task_of

    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"The model {name!r} has {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs. Expected one of each: remove "
            "auxiliary heads with kt.without_auxiliary_heads(model), or pass "
            "keras.Model(model.input, model.outputs[0])."
        )
    task = task_of(model)
    shape = check_image_shape(model.input_shape[1:], f"The model {name!r}")
    names = (model_info.find(model) or {}).get("class_names")
    activation = None
    if task.kind == "multi_label":
        activation = output_activation(model)

    def says(images):
        outputs = np.asarray(model.predict_on_batch(images), "float64")
        if task.kind in ("multi_label", "regression"):
            return _independent(outputs, task, activation)
        if task.kind == "ordinal":
            return outputs
        return class_probabilities(model, outputs)

    return Predictor(name, says, task, _names(task, names), shape, model=model)


def _of_classifier(classifier, name):
    readings = getattr(classifier, "readings", None)
    if readings is not None:
        if len(readings) > 1:
            raise ValueError(
                f"{name!r} has {len(readings)} outputs. Expected one: export "
                "the model with that output alone."
            )
        task, names = readings[0].task, readings[0].class_names
        says = classifier.values
    else:
        task, names = Task(), classifier.class_names
        says = classifier.probabilities
    return Predictor(
        name,
        says,
        task,
        _names(task, names),
        classifier.input_shape,
        classifier.batch_size(32),
    )


def _independent(outputs, task, activation):
    if task.kind == "regression":
        return (
            outputs if task.targets is None else task.targets.restored(outputs)
        )
    if activation in _LOGITS:
        # The tails of exp overflow harmlessly to the right limit.
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-outputs))
    return outputs


def _names(task, names):
    if task.kind == "regression" and task.targets is not None:
        return tuple(task.targets.names)
    return tuple(names) if names else None
