"""The accuracy of a model beside that of the file it was exported to."""

import dataclasses
import os
import pathlib
import sys

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from keras_transfer.checks.model_images import decode_for
from keras_transfer.exporting.formats.format import Runner
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.structure import model_info

_BATCH = 32


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """The accuracies of a model and of its export on the same photographs.

    Args:
        images: Number of photographs.
        model: Accuracy of the model in Keras.
        exported: Accuracy of the file in its own runtime.
        difference: `exported - model`; negative if the file is worse.
        same: Number of photographs for which both predict the same class.
    """

    images: int
    model: float
    exported: float
    difference: float
    same: int


def labels_of(
    model: keras.Model, folder: pathlib.Path, paths: list[pathlib.Path]
) -> np.ndarray:
    """Returns the class number of each photograph, from its folder's name.

    Args:
        model: A model with class names.
        folder: Contains one subfolder per class.
        paths: Image files below it.

    Raises:
        ValueError: If the model has no class names or not one output for each,
            or if a subfolder is not one of its classes.
    """
    classes = (model_info.find(model) or {}).get("class_names")
    if not classes or model.output_shape[1:] != (len(classes),):
        raise ValueError(
            "Accuracy can be measured only for models with class names and "
            f"one output for each. {model.name!r} has the classes {classes} "
            f"and outputs of shape {model.output_shape[1:]}. Leave out "
            "`measure_on`."
        )
    found = [path.relative_to(folder).parts[0] for path in paths]
    others = sorted({*found} - {*classes})
    if others:
        raise ValueError(
            f"{os.fspath(folder)!r} must contain one subfolder per class, "
            f"with the names {classes}. Received: {others}."
        )
    return np.array([classes.index(name) for name in found])


def measure_accuracy(
    model: keras.Model,
    run: Runner,
    paths: list[pathlib.Path],
    labels: np.ndarray,
) -> Accuracy:
    """Classifies photographs by a model and by its export.

    Args:
        model: The model.
        run: The exported file in its runtime.
        paths: Image files.
        labels: The class number of each.
    """
    best = []
    starts = track(
        range(0, len(paths), _BATCH),
        description="Measuring",
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    for start in starts:
        images = decode_for(model, paths[start : start + _BATCH])
        images = images.astype(model.inputs[0].dtype)
        both = outputs_of(model, images), run(images)
        best.append([outputs.argmax(-1) for outputs in both])
    kept, exported = np.concatenate(best, axis=1)
    accuracies = [float(np.mean(b == labels)) for b in (kept, exported)]
    return Accuracy(
        images=len(paths),
        model=accuracies[0],
        exported=accuracies[1],
        difference=accuracies[1] - accuracies[0],
        same=int(np.sum(kept == exported)),
    )
