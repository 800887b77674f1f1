"""Weights files, checked before anything of them is loaded."""

import collections
import os
import pathlib
import zipfile
from typing import Any

import h5py
import keras


def load_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a weights file into a model, all of it or nothing.

    The shapes of all stored tensors are compared with the model's before any
    variable changes; Keras alone stops halfway through a file that does not
    fit, and accepts one that holds more layers than the model.

    Args:
        model: A built model.
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ValueError: If the file cannot be read or belongs to another
            architecture.
    """
    path = pathlib.Path(path)
    _check_shapes(model, path)
    before = model.get_weights()
    try:
        model.load_weights(os.fspath(path))
    except Exception as error:
        assign_weights(model, before)
        raise ValueError(
            f"The weights file {os.fspath(path)!r} does not fit the model "
            f"{model.name!r}, which is unchanged: {error}"
        ) from error


def assign_weights(model: keras.Model, values: list[Any]) -> None:
    """Gives a model the values that `get_weights` of its like returned.

    `set_weights` alone leaves `Normalization` layers computing with what they
    derived from their old weights.
    """
    model.set_weights(values)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _check_shapes(model, path):
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise ValueError(
            f"Expected a weights file ending in '.weights.h5', '.h5' or "
            f"'.keras'. Received: {os.fspath(path)!r}."
        )
    stored = collections.Counter(_stored_shapes(path))
    expected = collections.Counter(tuple(w.shape) for w in model.weights)
    missing, extra = expected - stored, stored - expected
    if missing or extra:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: "
            f"{stored.total()} tensors stored, {expected.total()} expected"
            + _examples("; missing", missing)
            + _examples("; not in the model", extra)
            + "."
        )


def _examples(label, shapes):
    if not shapes:
        return ""
    listed = ", ".join(str(shape) for shape in list(shapes)[:3])
    return f"{label} {shapes.total()}, such as {listed}"


def _stored_shapes(path):
    shapes = []

    def visit(name, item):
        # Keras keeps the optimizer beside the layers in whole-model files.
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            shapes.append(item.shape)

    try:
        if path.suffix == ".keras":
            with (
                zipfile.ZipFile(path) as archive,
                archive.open("model.weights.h5") as member,
                h5py.File(member, "r") as file,
            ):
                file.visititems(visit)
        else:
            with h5py.File(path, "r") as file:
                file.visititems(visit)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} is truncated or damaged: "
            f"{error}. Fetch it again."
        ) from error
    return shapes
