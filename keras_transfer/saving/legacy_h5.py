"""Reading of `.h5` model files, with each weight given to its own variable.

Keras hands out such weights by their order, which depends on what was frozen
when the file was written and is not always restored: the file then loads with
weights in wrong places. The file names its weights, so we assign by name.
"""

import os
import pathlib

import h5py
import keras
import numpy as np

from keras_transfer import compat
from keras_transfer import serialization
from keras_transfer.registry import needed_classes
from keras_transfer.registry import plugin_classes
from keras_transfer.saving import building
from keras_transfer.saving import causes
from keras_transfer.saving import matching
from keras_transfer.saving import model_archive
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import configuration
from keras_transfer.saving.archive import json_text
from keras_transfer.saving.archive import keras_2
from keras_transfer.saving.archive import tensors
from keras_transfer.saving.archive import versions
from keras_transfer.saving.archive.declared import check_settings
from keras_transfer.saving.archive.tf_operations import ADVICE

# Parts of a weight's name that are looked at.
_MOST_NESTED = 20


def load_h5(path: str | os.PathLike) -> keras.Model:
    """Loads an `.h5` model file, uncompiled, and checks where weights went.

    Args:
        path: A file that `model.save("m.h5")` of Keras 2 or 3 wrote.

    Raises:
        ModelFileError: If the file is damaged, asks for what is not allowed,
            or its weights cannot be told apart by name.
        ValueError: If there is no such file.
    """
    serialization.register_when_keras_is_imported()
    path = pathlib.Path(path)
    file = os.fspath(path)
    if not path.is_file():
        raise ValueError(f"There is no model file {file!r}.")
    try:
        # No link out of the file, no more than it stores.
        stored = tensors.scan(path)
        weights = [n for n in stored.by_name if n.startswith("model_weights/")]
        tensors.check_finite(path, weights)
        with h5py.File(path, "r") as opened:
            config, found = _checked_config(opened)
            check_settings(config, found, stored)
            model = _built(config, found, stored)
            _assign(model, _weights(opened))
        matching.check_range(model, stored)
        model_archive.restore_flags(model, config)
        return model
    except ModelFileError as error:
        raise error.of(file) from error.__cause__
    except (OSError, KeyError, RuntimeError) as error:
        raise ModelFileError(
            f"is damaged, or holds weights without a model ({error}).",
            ADVICE,
            file,
        ) from error


def _checked_config(file):
    text = file.attrs.get("model_config")
    if text is None:
        raise ModelFileError("holds weights and no model.", ADVICE)
    text = text.encode() if isinstance(text, str) else bytes(text)
    config = keras_2.translated(json_text.parse(text, "its model_config"))
    found = configuration.examine(
        config,
        needed_classes.is_known,
        is_legacy=True,
        written=versions.written_by(dict(file.attrs)),
    )
    if found.missing:
        what = plugin_classes.explain(found.missing, found.model_info)
        raise ModelFileError(what, "")
    needed_classes.activate(found.classes)
    return config, found


def _weights(file):
    """Name and value of each weight, by the layer that lists it."""
    group = file["model_weights"]
    groups = {}
    for layer in _names(group, "layer_names"):
        names = _names(group[layer], "weight_names")
        groups[layer] = [(n, np.asarray(group[layer][n])) for n in names]
    return {layer: weights for layer, weights in groups.items() if weights}


def _names(group, attribute):
    """A list of names, which Keras splits where it is long."""
    pieces = [group.attrs.get(attribute)]
    if pieces[0] is None:
        pieces = []
        while f"{attribute}{len(pieces)}" in group.attrs:
            pieces.append(group.attrs[f"{attribute}{len(pieces)}"])
    return [
        name.decode() if isinstance(name, bytes) else str(name)
        for piece in pieces
        for name in piece
    ]


def _built(config, found, stored):
    try:
        return building.build(
            compat.model_from_legacy_config,
            config,
            stored.bytes,
            has_foreign=bool(found.classes),
        )
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"cannot be read by Keras {keras.__version__} "
            f"({causes.cause_of(error)}).",
            ADVICE,
        ) from error


def _assign(model, groups):
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    groups = {keras_2.plain_name(name): w for name, w in groups.items()}
    if set(layers) != set(groups):
        odd = sorted(set(layers) ^ set(groups))
        raise ModelFileError(
            f"and its model disagree on the layers {odd[:3]}.", ADVICE
        )
    for name, layer in layers.items():
        for variable, value in _matched(layer, groups[name]):
            variable.assign(value)


def _matched(layer, weights):
    """Pairs each variable of a layer with the weight of its name."""
    variables = {variable.path: variable for variable in layer.weights}
    owned = _by_layer(layer)
    stored = {_spelled(name, owned): value for name, value in weights}
    if len(stored) != len(weights) or len(variables) != len(layer.weights):
        raise ModelFileError(f"names weights of {layer.name!r} alike.", ADVICE)
    if set(stored) != set(variables):
        # Keras 2 leaves out the models around a layer.
        stored = _shortest(stored)
        variables = _shortest(variables)
    if set(stored) != set(variables):
        odd = sorted(set(stored) ^ set(variables))
        raise ModelFileError(
            f"and the layer {layer.name!r} disagree on the weights {odd[:3]}.",
            ADVICE,
        )
    for name, variable in variables.items():
        if tuple(variable.shape) != stored[name].shape:
            raise ModelFileError(
                f"stores {name!r} in shape {stored[name].shape}; its model "
                f"takes {tuple(variable.shape)}.",
                ADVICE,
            )
        is_float = stored[name].dtype.kind in "fV"
        if is_float != keras.backend.is_float_dtype(variable.dtype):
            raise ModelFileError(
                f"stores {name!r} as {stored[name].dtype}; its model takes "
                f"{variable.dtype}.",
                ADVICE,
            )
    return [(variables[name], stored[name]) for name in variables]


def _by_layer(layer):
    """Variables by the path of their layer, and by each end of that path."""
    owned: dict[str, list[keras.Variable]] = {}
    for inner in compat.sublayers(layer):
        for variable in compat.own_variables(inner):
            parts = variable.path.split("/")[:-1]
            for first in range(len(parts)):
                owned.setdefault("/".join(parts[first:]), []).append(variable)
    return owned


def _spelled(name, owned):
    """The path of the variable that a stored weight is for."""
    *parts, weight = name.removesuffix(":0").split("/")
    for first in range(min(len(parts), _MOST_NESTED)):
        for last in range(len(parts) - 1, first - 1, -1):
            # Names of layers may hold slashes in Keras 2.
            layer = "/".join((*parts[first:last], "_".join(parts[last:])))
            found = [v.path for v in owned.get(layer, ())]
            same = [p for p in found if p.endswith(f"/{weight}")]
            if not same and weight == "depthwise_kernel":
                same = [p for p in found if p.endswith("/kernel")]
            if not same and len(found) == 1:
                same = found  # Keras 3 gives some weights no name.
            if len(same) == 1:
                return same[0]
    return name.removesuffix(":0")


def _shortest(values):
    """The same by the last two parts of each name, where these are unique."""
    short = {"/".join(name.split("/")[-2:]): v for name, v in values.items()}
    return short if len(short) == len(values) else values
