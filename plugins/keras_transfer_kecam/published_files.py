"""Reading of the `.h5` files that kecam publishes."""

import os
import pathlib
import re
from typing import Any

import h5py
import numpy as np

from keras_transfer_kecam.sources import layer_name

# What a published file holds beside the features: the classifier, and in some
# families a projection or normalization around the pooling before it.
_AFTER_FEATURES = re.compile(
    r"predictions|features|(.+_)?head(_.+)?|"
    r"(post|out|output|pre_output|features?)_.+"
)


def read_weights(model: Any, path: str | os.PathLike) -> None:
    """Loads such a file into the features, by the names of layers.

    Position embeddings of another image size are resized as kecam does. All
    weights of the model are found, or it stays as it was.

    Args:
        model: Features of a model of kecam.
        path: The file.

    Raises:
        ValueError: If the file is damaged or belongs to another architecture.
    """
    path = pathlib.Path(path)
    stored = _stored_layers(path)
    weighted = {layer.name: layer for layer in model.layers if layer.weights}
    exact, resized = {}, {}
    for name, layer in weighted.items():
        tensors = stored.get(name, {})
        shapes = [tensor.shape for tensor in tensors.values()]
        if shapes == [tuple(weight.shape) for weight in _in_order(layer)]:
            exact[name] = tensors
        elif tensors and hasattr(layer, "load_resized_weights"):
            resized[name] = tensors
    missing = [n for n in weighted if n not in exact and n not in resized]
    extra = [
        name
        for name in stored
        if name not in weighted and not _AFTER_FEATURES.fullmatch(name)
    ]
    if missing or extra:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: "
            f"{len(stored)} layers stored, {len(weighted)} expected"
            + _examples("missing or of another shape", missing)
            + _examples("not in the model", extra)
            + "."
        )
    before = model.get_weights()
    try:
        for name, tensors in exact.items():
            pairs = zip(
                _in_order(weighted[name]), tensors.values(), strict=True
            )
            for weight, tensor in pairs:
                weight.assign(tensor)
        for name, tensors in resized.items():
            weighted[name].load_resized_weights(tensors)
    except Exception as error:
        model.set_weights(before)
        raise ValueError(
            f"The weights file {os.fspath(path)!r} does not fit the model "
            f"{model.name!r}, which is unchanged: {error}"
        ) from error


def _in_order(layer):
    """Weights in the order of Keras 2, which wrote the files."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _stored_layers(path):
    """`{layer: {weight: array}}`, without layers that have no weights."""
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            layers = {}
            for name in _names(root, "layer_names"):
                group = root[name]
                tensors = {
                    weight.rpartition("/")[2]: np.asarray(group[weight])
                    for weight in _names(group, "weight_names")
                }
                if tensors:
                    layers[layer_name(name)] = tensors
            return layers
    except (OSError, KeyError) as error:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} is truncated or damaged: "
            f"{error}. Fetch it again."
        ) from error


def _names(group, attribute):
    """An attribute that HDF5 makes Keras split when it is long."""
    if attribute in group.attrs:
        values = list(group.attrs[attribute])
    else:
        values, index = [], 0
        while f"{attribute}{index}" in group.attrs:
            values.extend(group.attrs[f"{attribute}{index}"])
            index += 1
        if not values:
            raise KeyError(f"it lists no {attribute}")
    return [v.decode() if isinstance(v, bytes) else v for v in values]


def _examples(label, names):
    if not names:
        return ""
    listed = ", ".join(repr(name) for name in names[:3])
    return f"; {len(names)} {label}, such as {listed}"
