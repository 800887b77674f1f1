"""The operations of a model with their paths."""

from typing import Any

import keras


def operations_of(model: keras.Model) -> list[Any]:
    """Returns a model's operations; a subclassed model has only layers."""
    return list(getattr(model, "operations", model.layers))


def paths_of(model: keras.Model) -> dict[str, Any]:
    """Maps the path of every operation to it, from input to output.

    A nested model is followed by what it holds: `vgg16`, `vgg16/block1_conv1`.

    Args:
        model: Any Keras model.
    """
    found: dict[str, Any] = {}
    _collect(model, "", found)
    return found


def _collect(model, prefix, found):
    for operation in operations_of(model):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        path = prefix + operation.name
        found[path] = operation
        if isinstance(operation, keras.Model):
            _collect(operation, f"{path}/", found)
