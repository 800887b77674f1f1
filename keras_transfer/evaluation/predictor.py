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


def open_predictor(
    model: Any, trust: bool = False, output: str | None = None
) -> Predictor:
    """Returns a model, or one in a file of any format, as a predictor.

    Args:
        model: A Keras model, or the path of a `.keras` file or an exported
            one.
        trust: As for `open_classifier`.
        output: Name of the output to be judged; `None` for the only one.

    Raises:
        TypeError: For anything else.
        ValueError: If there is no such file or output, or it does not take
            one image.
    """
    if isinstance(model, str | os.PathLike):
        path = pathlib.Path(model)
        if format_of(path) != "keras":
            opened = open_classifier(path, trust)
            return _of_classifier(opened, path.name, output)
        from keras_transfer.saving.loading import load_model

        return _of_model(load_model(path), path.name, output)
    if not hasattr(model, "predict_on_batch"):
        raise TypeError(
            "Expected a Keras model, or the path of a .keras file or an "
            f"exported one. Received: {model!r:.80}."
        )
    return _of_model(model, model.name, output)


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


def _of_model(model, name, output):
    # Not at the top: what was exported is judged without Keras.
    import keras

    from keras_transfer.serving.classifier import check_image_shape
    from keras_transfer.serving.prediction import readings_of
    from keras_transfer.structure.task import task_of

    if len(model.inputs) != 1:
        raise ValueError(
            f"The model {name!r} has {len(model.inputs)} inputs. Expected one, "
            "which takes images."
        )
    readings = readings_of(model)
    if len(readings) == 1:
        readings = (dataclasses.replace(readings[0], task=task_of(model)),)
    place = _place_of(output, readings, name)
    reading = readings[place]
    shape = check_image_shape(model.input_shape[1:], f"The model {name!r}")

    def says(images):
        outputs = keras.tree.flatten(model.predict_on_batch(images))
        return reading.values(keras.ops.convert_to_numpy(outputs[place]))

    return _of_reading(name, says, reading, shape, model=model)


def _of_classifier(classifier, name, output):
    place = _place_of(output, classifier.readings, name)
    ends = np.cumsum([r.width for r in classifier.readings])[:-1]

    def says(images):
        return np.split(classifier.values(images), ends, axis=-1)[place]

    return _of_reading(
        name,
        says,
        classifier.readings[place],
        classifier.input_shape,
        batch_size=classifier.batch_size(32),
    )


def _of_reading(name, says, reading, shape, **options):
    has_names = reading.class_names is not None or reading.task.targets
    names = tuple(reading.names) if has_names else None
    if reading.name is not None:
        name = f"{name}, output {reading.name!r}"
    return Predictor(name, says, reading.task, names, shape, **options)


def _place_of(output, readings, name):
    names = [reading.name for reading in readings]
    if output is None and len(names) > 1:
        raise ValueError(
            f"{name!r} has the outputs {names}. Choose the one to be judged, "
            f"such as output={names[0]!r}."
        )
    if output is not None and output not in names:
        known = names if len(names) > 1 else "one output, without a name"
        raise ValueError(f"{name!r} has no output {output!r}. It has {known}.")
    return 0 if output is None else names.index(output)
