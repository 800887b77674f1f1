"""Weights files, checked before anything of them is loaded."""

import os
import pathlib
from typing import Any

import keras

from keras_transfer.saving import stored_weights


def load_weights(
    model: keras.Model,
    path: str | os.PathLike,
    classifier: tuple[str, ...] = (),
) -> None:
    """Loads a weights file into a model, all of it or nothing.

    The shapes of all stored tensors are compared with the model's before any
    variable changes; Keras alone stops halfway through a file that does not
    fit, and accepts one that holds more layers than the model.

    Args:
        model: A built model.
        path: A `.weights.h5`, `.h5` or `.keras` file.
        classifier: Names of layers that the file may hold and the model
            lacks. Where it does, layers are matched by their names, otherwise
            by their order. Defaults to none.

    Raises:
        ModelFileError: If the file cannot be read or belongs to another
            architecture.
    """
    path = pathlib.Path(path)
    with stored_weights.unpacked(path) as file:
        left_out = stored_weights.check_contents(model, file, classifier, path)
        before = model.get_weights()
        options = {"by_name": True} if left_out else {}
        try:
            model.load_weights(os.fspath(file), **options)
        except Exception as error:
            assign_weights(model, before)
            raise stored_weights.refusal(
                path,
                f"does not fit the model {model.name!r}, which is unchanged: "
                f"{error}",
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
