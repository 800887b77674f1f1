"""Loading of whole models."""

import os
import pathlib
import zipfile

import keras

from keras_transfer import needed_classes
from keras_transfer import serialization
from keras_transfer.optimizer.wrapping import is_wrapped
from keras_transfer.transition import transition


def load_model(path: str | os.PathLike) -> keras.Model:
    """Loads a model file in safe mode.

    Args:
        path: A `.keras` file.

    Raises:
        ValueError: If there is no such file, it is damaged, it needs a class
            of a plugin that is not installed, or it is an `.h5` file, whose
            weights Keras assigns wrongly when layers are frozen.

    Example:
    >>> load_model("missing.keras")
    Traceback (most recent call last):
    ...
    ValueError: There is no model file 'missing.keras'.
    """
    serialization.register_when_keras_is_imported()
    path = pathlib.Path(path)
    if path.suffix in (".h5", ".hdf5"):
        raise ValueError(
            f"{os.fspath(path)!r} is an HDF5 model file. Keras restores such "
            "files wrongly when some layers are frozen: load it with "
            "keras.saving.load_model, check it, and save it as '.keras'."
        )
    if not path.exists():
        raise ValueError(f"There is no model file {os.fspath(path)!r}.")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(
            f"{os.fspath(path)!r} is not a Keras model file: it is damaged, "
            "truncated or of another format. Expected a '.keras' archive."
        )
    needed_classes.check_file(path)
    model = keras.saving.load_model(os.fspath(path), safe_mode=True)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and is_wrapped(optimizer):
        # Its saved state finds its owners once all weights are known.
        transition(model)
    return model
