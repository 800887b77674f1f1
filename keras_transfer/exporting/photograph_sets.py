"""The photographs that an export is compared, calibrated, measured on."""

import dataclasses
import os
import pathlib

import keras
import numpy as np

from keras_transfer.checks.model_images import decode_for
from keras_transfer.checks.model_images import form_of
from keras_transfer.data.listing import list_images
from keras_transfer.exporting.accuracy import Accuracy
from keras_transfer.exporting.accuracy import labels_of
from keras_transfer.exporting.accuracy import measure_accuracy
from keras_transfer.exporting.formats.format import Runner

_TRIAL = 32
_CALIBRATION = 100


@dataclasses.dataclass(frozen=True)
class PhotographSets:
    """The photographs in the folders that were passed to `export`.

    Args:
        trial: A batch to compare outputs on; `None` without a folder.
        calibration: A batch to calibrate on; `None` without a folder.
        measured: Files to measure the accuracy on.
        labels: The class number of each of them.
    """

    trial: np.ndarray | None
    calibration: np.ndarray | None
    measured: list[pathlib.Path]
    labels: np.ndarray | None

    def measure(self, model: keras.Model, run: Runner) -> Accuracy | None:
        """Measures the accuracy of a model and its export, if requested.

        Args:
            model: The model.
            run: The exported file in its runtime.
        """
        if self.labels is None:
            return None
        return measure_accuracy(model, run, self.measured, self.labels)


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
    folders = {
        "data": data,
        "calibrate_on": calibrate_on,
        "measure_on": measure_on,
    }
    found: dict[str, list[pathlib.Path]] = {}
    for argument, folder in folders.items():
        found[argument] = []
        if folder is not None:
            form_of(model, f"Leave out `{argument}`.")
            found[argument] = list_images([pathlib.Path(folder)])
    labels = None
    if measure_on is not None:
        folder = pathlib.Path(measure_on)
        labels = labels_of(model, folder, found["measure_on"])
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
    )


def _some_of(paths, count, model):
    """A batch of that many files, from all over the list."""
    chosen = paths[:: max(1, len(paths) // count)][:count]
    if not chosen:
        return None
    return decode_for(model, chosen).astype(model.inputs[0].dtype)


def _resolved(paths):
    return {path.resolve() for path in paths}
