"""Copies of extractors that share nothing with the original."""

import dataclasses
import pathlib
import tempfile

import keras

from keras_transfer import compat


def detached_copy(extractor: keras.Model) -> keras.Model:
    """Returns an equal extractor with variables of its own.

    It goes through a file, the one way in which Keras copies every kind of
    model whole: cloning refuses subclassed models.

    Args:
        extractor: An extractor from `build_extractor`.
    """
    classes = {type(p).__name__: type(p) for p in compat.sublayers(extractor)}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "extractor.keras"
        extractor.save(path, include_optimizer=False)
        # What it may run was in this process before, so safe mode is off.
        copy = keras.saving.load_model(
            path, custom_objects=classes, compile=False, safe_mode=False
        )
    copy.extraction = dataclasses.replace(copy.extraction, detached=True)
    return copy
