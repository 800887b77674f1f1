"""Predictions of a model as class names, for arrays and for files."""

import contextlib
import os
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_transfer.checks import classifier_loss
from keras_transfer.checks import model_images
from keras_transfer.checks import pixels
from keras_transfer.data.ahead import decoded_ahead
from keras_transfer.data.diagnosis import explain_unreadable
from keras_transfer.data.images import decode_file
from keras_transfer.names import check_whole_number
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.ranking import Prediction
from keras_transfer.serving.ranking import probabilities_of
from keras_transfer.serving.ranking import rank
from keras_transfer.structure import model_info

_MANY = 100


def predict_labels(model: keras.Model, images: Any) -> list[str]:
    """Returns the most probable class of each image.

    Args:
        model: A classifier that `build_model` made.
        images: Pixels from 0 to 255 of shape `(batch, height, width,
            channels)`, one image without the batch axis, or paths of image
            files.

    Returns:
        A class name for each image, or the class number as text if the model
        has no class names.

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
    return [best[0].label for best in predict(model, images, top=1)]


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
    for batch in _batches(model, images, batch_size):
        pixels.check_images(model, batch)
        rows += ranked(model, model.predict(batch, verbose=0), top)
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
    """Returns a probability for each class, also from logits or one unit."""
    return probabilities_of(outputs, classifier_loss.output_activation(model))


def class_names(model: keras.Model, count: int) -> list[str]:
    """Returns the model's class names, or class numbers if it has none."""
    names = (model_info.find(model) or {}).get("class_names")
    return list(names) if names else [str(i) for i in range(count)]


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


class Answer(NamedTuple):
    """What is known of one image file.

    Args:
        path: The file.
        predictions: Its classes, best first; `None` where it is unreadable.
        fault: Why it is unreadable, or `None`.
    """

    path: Path
    predictions: list[Prediction] | None
    fault: str | None


def predict_files(
    classifier: Classifier,
    paths: Sequence[Path],
    top: int = 1,
    batch_size: int = 32,
    progress: bool | None = None,
) -> Iterator[Answer]:
    """Yields the classes of each image file, in order.

    While the model computes one batch, threads decode the next; no other is in
    memory. A file that cannot be read does not affect the others.

    Args:
        classifier: What predicts.
        paths: The files.
        top: Number of classes for each.
        batch_size: Images that are predicted together; fewer if they are very
            large. Defaults to 32.
        progress: Whether a progress bar is drawn on stderr. Defaults to
            drawing one for more than 100 files when stderr is a terminal.
    """
    from rich.console import Console
    from rich.progress import Progress

    if progress is None:
        progress = len(paths) > _MANY and sys.stderr.isatty()
    bar = Progress(
        console=Console(stderr=True), disable=not progress, transient=True
    )
    batch_size = classifier.batch_size(batch_size)
    batches = _decoded(classifier, paths, batch_size)
    with contextlib.closing(batches), bar:
        task = bar.add_task("Predicting", total=len(paths))
        for batch in batches:
            yield from _answers(classifier, batch, top)
            bar.advance(task, len(batch))


def _answers(classifier, batch, top):
    images = [image for _, image, _ in batch if image is not None]
    rows = iter(())
    if images:
        probabilities = classifier.probabilities(np.stack(images))
        ranked = rank(probabilities, classifier.class_names, top)
        rows = zip(ranked, np.isfinite(probabilities).all(-1), strict=True)
    for path, image, fault in batch:
        predictions, is_finite = (None, True) if image is None else next(rows)
        if is_finite:
            yield Answer(path, predictions, fault)
        else:
            yield Answer(path, None, "the model returns NaN or infinity for it")


def _decoded(classifier, paths, batch_size):
    def decode(path):
        # Broken files make Pillow raise nearly anything; all is an answer.
        try:
            image = decode_file(
                path, classifier.image_size, classifier.color_mode
            )
        except Exception as error:
            return path, None, explain_unreadable(path, error)
        return path, image, None

    return decoded_ahead(paths, batch_size, decode)
