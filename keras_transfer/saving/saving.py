"""Saving of whole models."""

import os
import pathlib

import keras
import numpy as np

from keras_transfer.files.output_path import check_output
from keras_transfer.files.whole_files import replacing
from keras_transfer.saving import model_archive
from keras_transfer.saving import portable_config


def save_model(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    portable: bool = False,
    allow_non_finite: bool = False,
) -> None:
    """Saves a model so that the path always holds a whole file.

    The file is written beside its final name, read back, and then renamed: a
    crash, a full disk or a layer that cannot be saved leaves the old file as
    it was, where `model.save` destroys it first. What a killed process left
    is removed by the next one that saves to the same path.

    Args:
        model: Any Keras model.
        path: Where to save; ends in `.keras`.
        portable: Whether older versions of Keras shall read the file too,
            down to 3.6, or 3.12 where functions of `keras.ops` stand in the
            graph: what they do not know of is left out where it is switched
            off anyway, and with it the compilation if its optimizer is one of
            keras_transfer. For models of stock layers, such as `kt.to_stock`
            makes. Defaults to `False`.
        allow_non_finite: Whether weights may be NaN or infinite. Defaults to
            `False`.

    Raises:
        ValueError: If the name does not end in `.keras`, its folder does not
            exist, weights are not finite, or a portable file would hold
            classes that older versions lack.
        OSError: If the disk is full or what was written reads differently.

    Example:
    >>> import os
    >>> import keras
    >>> import tempfile
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
    >>> kt.save_model(model, path)
    >>> kt.load_model(path).count_params()
    10
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise ValueError(
            "A model file must be named '*.keras'. Received: "
            f"{os.fspath(path)!r}."
        )
    path = check_output(path)
    if not allow_non_finite:
        _check_finite(model)
    if portable:
        portable_config.check_portable(model)
    with replacing(path) as temporary:
        model.save(temporary)
        if portable:
            portable_config.make_portable(temporary)
        fault = model_archive.fault_of(temporary)
        if fault is not None:
            raise OSError(
                f"What was written to {os.fspath(path.parent)!r} for "
                f"{path.name!r} cannot be read back: {fault}. The old file, "
                "if there was one, is unchanged. Choose another disk."
            )


def _check_finite(model):
    for weight in model.weights:
        if not keras.backend.is_float_dtype(weight.dtype):
            continue
        values = keras.ops.convert_to_numpy(weight).astype("float32")
        if not np.isfinite(values).all():
            raise ValueError(
                f"The weight {weight.path!r} of {model.name!r} holds NaN or "
                "infinity: its training has failed. Load a checkpoint, or "
                "save it all the same with allow_non_finite=True."
            )
