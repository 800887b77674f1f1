"""Saving of whole models."""

import os
import pathlib

import keras

from keras_transfer.output_path import check_output
from keras_transfer.whole_files import replacing


def save_model(model: keras.Model, path: str | os.PathLike) -> None:
    """Saves a model so that the path always holds a whole file.

    The file is written beside its final name and then renamed: a crash, a
    full disk or a layer that cannot be saved leaves the old file as it was,
    where `model.save` destroys it first.

    Args:
        model: Any Keras model.
        path: Where to save; ends in `.keras`.

    Raises:
        ValueError: If the name does not end in `.keras` or its folder does
            not exist.

    Example:
    >>> import tempfile
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
    >>> save_model(model, path)
    >>> keras.saving.load_model(path).count_params()
    10
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise ValueError(
            "A model file must be named '*.keras'. Received: "
            f"{os.fspath(path)!r}."
        )
    path = check_output(path)
    with replacing(path) as temporary:
        model.save(temporary)
