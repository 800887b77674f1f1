"""The layers of a model with their paths, those inside layers included."""

from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import compat
from keras_transfer.structure.paths import operations_of


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
    _collect(model, "", found)
    return found


def _collect(layer, prefix, found):
    for part in _parts(layer):
        if isinstance(part, keras.layers.InputLayer):
            continue
        path = prefix + part.name
        place = found.setdefault(path, Place(path, []))
        if not any(known is part for known in place.layers):
            place.layers.append(part)
            _collect(part, f"{path}/", found)


def _parts(layer):
    if isinstance(layer, keras.Model):
        return operations_of(layer)
    if isinstance(layer, keras.layers.Layer):
        return compat.direct_sublayers(layer)
    return []
