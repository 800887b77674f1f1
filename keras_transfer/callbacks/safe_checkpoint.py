"""Checkpoints from which a killed training continues."""

import os
import pathlib
import re
import warnings

import keras

from keras_transfer import compat
from keras_transfer.callbacks import training_history
from keras_transfer.files.whole_files import sweep_folder
from keras_transfer.names import check_whole_number
from keras_transfer.saving import model_archive
from keras_transfer.saving.saving import save_model
from keras_transfer.saving.weights import load_weights

_NAME = re.compile(r"epoch-(\d+)\.keras")


class SafeCheckpoint(keras.callbacks.Callback):
    """Saves the model after epochs; `fit` resumes from the newest valid file.

    Each file is a complete model for `kt.load_model`. It is written whole or
    not at all, whenever the process is killed. When `fit` is called again in
    another process, it restores weights, optimizer, freeze schedule and
    history and continues with the next epoch; after the last epoch nothing is
    left to do until `epochs` is raised. Unlike
    `keras.callbacks.BackupAndRestore`, which otherwise behaves alike, it keeps
    the files when training ends. To start over, name another folder.

    Args:
        folder: Folder of the files `epoch-00001.keras`, ...; created if it
            does not exist.
        every: Number of epochs from one file to the next, at least 1.
            Defaults to 1.
        keep: Number of newest files to keep, at least 1. Defaults to 3.

    Raises:
        ValueError: For numbers below 1; at the start of `fit`, if the files
            belong to another model; during `fit`, if weights are not finite.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> def train(epochs):
    ...     model = keras.Sequential(
    ...         [keras.Input((1,)), keras.layers.Dense(1, name="output")])
    ...     model.compile("adam", "mse")
    ...     return model.fit(
    ...         np.ones((4, 1)), np.ones(4), epochs=epochs, verbose=0,
    ...         callbacks=[kt.callbacks.SafeCheckpoint(folder)]).epoch
    >>> train(2), train(3)
    ([0, 1], [2])
    """

    def __init__(
        self, folder: str | os.PathLike, every: int = 1, keep: int = 3
    ):
        super().__init__()
        self.folder = folder
        self.every = every
        self.keep = keep
        for name, value in (("every", every), ("keep", keep)):
            check_whole_number(name, value, least=1)

    def on_train_begin(self, logs=None):
        folder = pathlib.Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        sweep_folder(folder)
        for epoch, path in reversed(checkpoints(folder)):
            fault = model_archive.fault_of(path)
            if fault is None:
                self._resume(path)
                compat.begin_at_epoch(self.model, epoch)
                return
            warnings.warn(
                f"The checkpoint {os.fspath(path)!r} is damaged ({fault}); "
                "training goes on from the one before.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch, logs=None):
        # Keras would also begin the next `fit` of this model there.
        compat.begin_at_epoch(self.model, None)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        folder = pathlib.Path(self.folder)
        save_model(self.model, folder / f"epoch-{epoch + 1:05}.keras")
        for _, path in checkpoints(folder)[: -self.keep]:
            path.unlink()

    def on_train_end(self, logs=None):
        compat.begin_at_epoch(self.model, None)

    def _resume(self, path):
        model = self.model
        config = model_archive.read_config(path)
        own = model_archive.as_stored(model)
        if model_archive.classes_of(config) != model_archive.classes_of(own):
            raise ValueError(
                f"The checkpoint {os.fspath(path)!r} is of another model than "
                f"{model.name!r}: its layers differ. Name another folder to "
                "start over."
            )
        try:
            load_weights(model, path)
        except ValueError as error:
            raise ValueError(
                f"The checkpoint {os.fspath(path)!r} does not fit the model "
                f"{model.name!r}: {error} Name another folder to begin anew."
            ) from error
        training_history.restore(model, model_archive.metadata_of(config))


def checkpoints(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """Lists the checkpoints of a folder with their epochs, oldest first.

    Args:
        folder: The folder of a `SafeCheckpoint`.
    """
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path))
    return sorted(found)
