"""The operations and layers of a model with their paths."""

from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import compat


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


class Place(NamedTuple):
    """A path in a model and what bears it.

    Args:
        path: Names of the models and layers around it, then its own.
        layers: The layer; several where a composite layer gave two of its
            parts one name.
    """

    path: str
    layers: list[Any]


def places_of(model: keras.Model) -> dict[str, Place]:
    """Maps every path to its place, models and composite layers opened.

    Args:
        model: Any Keras model.
    """
    found: dict[str, Place] = {}
    _collect_places(model, "", found)
    return found


def layers_by_path(model: keras.Model) -> dict[str, Any]:
    """Maps the path of each layer to it, inside of composite layers too.

    Args:
        model: Any Keras model.
    """
    found, known = {}, set()
    for path, place in places_of(model).items():
        for number, layer in enumerate(place.layers):
            if id(layer) not in known:
                known.add(id(layer))
                found[f"{path}:{number}" if number else path] = layer
    return found


def _collect(model, prefix, found):
    for operation in operations_of(model):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        path = prefix + operation.name
        found[path] = operation
        if isinstance(operation, keras.Model):
            _collect(operation, f"{path}/", found)


def _collect_places(layer, prefix, found):
    for part in _parts(layer):
        if isinstance(part, keras.layers.InputLayer):
            continue
        path = prefix + part.name
        place = found.setdefault(path, Place(path, []))
        if not any(known is part for known in place.layers):
            place.layers.append(part)
            _collect_places(part, f"{path}/", found)


def _parts(layer):
    if isinstance(layer, keras.Model):
        return operations_of(layer)
    if isinstance(layer, keras.layers.Layer):
        return compat.direct_sublayers(layer)
    return []
