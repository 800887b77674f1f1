"""Accuracy on photographs of a model beside that of its exported file."""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Sequence

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from keras_transfer.checks.model_images import decode_for
from keras_transfer.checks.model_images import form_of
from keras_transfer.data.listing import find_images
from keras_transfer.data.listing import warn_of_unread
from keras_transfer.exporting.formats.runner import Runner
from keras_transfer.exporting.trial import all_outputs_of
from keras_transfer.structure.output_records import output_names
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.task import Task

_TRIAL = 32
_CALIBRATION = 100
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
) -> tuple[str | None, np.ndarray]:
    """Returns an output, and its class number of each photograph's folder.

    Args:
        model: A model with class names.
        folder: Contains one subfolder per class.
        paths: Image files below it.

    Raises:
        ValueError: If the model has no class names or not one output for each,
            or if a subfolder is not one of its classes.
    """
    found = [path.relative_to(folder).parts[0] for path in paths]
    record = _measured(model, {*found})
    classes = record.class_names or []
    others = sorted({*found} - {*classes})
    if others:
        raise ValueError(
            f"{os.fspath(folder)!r} must contain one subfolder per class, "
            f"with the names {classes}. Received: {others}."
        )
    return record.name, np.array([classes.index(name) for name in found])


def _measured(model, found):
    """What is recorded of the output whose classes name some folders."""
    records = output_records(model)
    shapes = [tuple(t.shape[1:]) for t in model.outputs]
    fitting = [
        record
        for record, shape in zip(records, shapes, strict=True)
        if shape == (len(record.class_names or ()),)
        # A photograph of several labels lies in one folder.
        and (record.task or Task()).kind != "multi_label"
    ]
    if len(fitting) > 1:
        fitting = [r for r in fitting if found <= {*r.class_names}]
    if len(fitting) != 1:
        told = "; ".join(
            f"the classes {record.class_names} and outputs of shape {shape}"
            for record, shape in zip(records, shapes, strict=True)
        )
        raise ValueError(
            "Accuracy can be measured only for models with class names and "
            f"one output for each. {model.name!r} has {told}; the folders are "
            f"{sorted(found)}. Leave out `measure_on`."
        )
    return fitting[0]


def measure_accuracy(
    model: keras.Model,
    run: Runner,
    paths: list[pathlib.Path],
    labels: np.ndarray,
    output: str | None = None,
) -> Accuracy:
    """Classifies photographs by a model and by its export.

    Args:
        model: The model.
        run: The exported file in its runtime.
        paths: Image files.
        labels: The class number of each.
        output: Name of the output whose classes they are; `None` for the only
            one.
    """
    best = []
    place = output_names(model).index(output)
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
        both = all_outputs_of(model, images)[place], run(images)
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


@dataclasses.dataclass(frozen=True)
class PhotographSets:
    """The photographs in the folders that were passed to `export`.

    Args:
        trial: A batch to compare outputs on; `None` without a folder.
        calibration: A batch to calibrate on; `None` without a folder.
        measured: Files to measure the accuracy on.
        labels: The class number of each of them.
        output: Name of the output that has these classes; `None` for the only
            one.
    """

    trial: np.ndarray | None
    calibration: np.ndarray | None
    measured: list[pathlib.Path]
    labels: np.ndarray | None
    output: str | None = None

    def measure(self, model: keras.Model, run: Runner) -> Accuracy | None:
        """Measures the accuracy of a model and its export, if requested.

        Args:
            model: The model.
            run: The exported file in its runtime.
        """
        if self.labels is None:
            return None
        run = run.select([self.output])
        labels = self.labels
        return measure_accuracy(model, run, self.measured, labels, self.output)


def photograph_sets(
    model: keras.Model,
    data: str | os.PathLike | None,
    calibrate_on: str | os.PathLike | None,
    measure_on: str | os.PathLike | None,
) -> PhotographSets:
    """Finds the photographs in the folders that were passed to `export`.

    Args:
        model: The model that is exported.
        data: Folder of photographs to compare outputs on.
        calibrate_on: Folder that determines the ranges of activations.
        measure_on: Folder to measure the accuracy on, one subfolder per class.

    Raises:
        ValueError: If a folder has no photographs, the model cannot take
            them, or the same photograph is used to calibrate and to measure.
    """
    folders = {"data": data, "calibrate_on": calibrate_on}
    folders["measure_on"] = measure_on
    found: dict[str, list[pathlib.Path]] = dict.fromkeys(folders, [])
    for argument, folder in folders.items():
        if folder is not None:
            form_of(model, f"Leave out `{argument}`.")
            found[argument], unread = find_images([pathlib.Path(folder)])
            warn_of_unread(unread, f"`{argument}`")
    labels = output = None
    if measure_on is not None:
        folder = pathlib.Path(measure_on)
        output, labels = labels_of(model, folder, found["measure_on"])
    twice = _resolved(found["calibrate_on"]) & _resolved(found["measure_on"])
    if twice:
        raise ValueError(
            f"{len(twice)} photographs, such as {os.fspath(min(twice))!r}, are "
            "in `calibrate_on` and in `measure_on`. Accuracy measured on "
            "photographs that calibrated the file is too high; pass folders "
            "that share none."
        )
    trial = found["data"] or found["measure_on"]
    return PhotographSets(
        trial=_some_of(trial, _TRIAL, model),
        calibration=_some_of(found["calibrate_on"], _CALIBRATION, model),
        measured=found["measure_on"],
        labels=labels,
        output=output,
    )


def _some_of(paths, count, model):
    """A batch of that many files, from all over the list."""
    chosen = spread(paths, count)
    if not chosen:
        return None
    return decode_for(model, chosen).astype(model.inputs[0].dtype)


def spread(paths: Sequence[pathlib.Path], count: int) -> list[pathlib.Path]:
    """Returns at most so many of a list, evenly from its first to its last.

    A list that is sorted by class gives each class its share.

    Example:
    >>> spread(list(range(7)), 3)
    [1, 3, 5]
    """
    count = min(count, len(paths))
    return [
        paths[(2 * place + 1) * len(paths) // (2 * count)]
        for place in range(count)
    ]


def _resolved(paths):
    return {path.resolve() for path in paths}
