"""Files that hold the adapters of a model alone."""

import hashlib
import io
import json
import os
import pathlib

import h5py
import keras
import numpy as np

from keras_transfer.files.output_path import check_output
from keras_transfer.files.whole_files import replacing
from keras_transfer.optimizer.transition import transition
from keras_transfer.saving import weights
from keras_transfer.saving.archive import tensors
from keras_transfer.structure import adapters
from keras_transfer.structure import model_info
from keras_transfer.structure import selectors as grammar
from keras_transfer.structure.paths import layers_by_path

_FORMAT = 1
_DESCRIPTION = "description"
_LARGEST_DESCRIPTION = 1 << 20  # Bytes.
_KEYS = {"adapters": list, "also": list, "base": dict}
_ADAPTER = (str, int, (int, float))


def save_lora(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    also: grammar.Selectors = (),
) -> None:
    """Saves the adapters of a model alone, a few hundred kilobytes.

    The file says which model they belong to: the backbone's name and weights,
    and a digest of the weights that the adapters adapt.

    Args:
        model: A model with adapters.
        path: Where to save; ends in `.lora.h5`.
        also: Layers whose weights are saved as well, in the grammar of
            `kt.set_trainable`; `"head"` for a head that was trained with the
            adapters. Defaults to none.

    Raises:
        ValueError: If the model has no adapters, one is on quantized weights,
            or the name does not end in `.lora.h5`.

    Example:
    >>> import os
    >>> import keras
    >>> import tempfile
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model = kt.add_lora(model, "*", rank=1)
    >>> path = os.path.join(tempfile.mkdtemp(), "ants.lora.h5")
    >>> kt.save_lora(model, path)
    >>> kt.load_lora(model, path) is model
    True
    """
    path = pathlib.Path(path)
    _check_name(path)
    layers = adapters.adapted_layers(model)
    recorded = adapters.record(model)
    if len(recorded) < len(layers) or not layers:
        raise ValueError(
            f"The model {model.name!r} has {len(layers)} adapters, "
            f"{len(layers) - len(recorded)} of them on quantized weights. "
            "Expected one at least, which kt.add_lora(model) adds, and none "
            "on quantized weights."
        )
    arrays = {}
    for number, (place, *_) in enumerate(recorded):
        _, a, b = adapters.parts_of(layers[place])
        arrays[f"adapter_{number}_a"], arrays[f"adapter_{number}_b"] = a, b
    others = grammar.weights_by_place(model, also)
    for number, weight in enumerate(others.values()):
        arrays[f"weight_{number}"] = weight
    backbone = (model_info.find(model) or {}).get("backbone") or {}
    description = {
        "format": _FORMAT,
        "adapters": recorded,
        "also": list(others),
        "base": {
            "name": backbone.get("name"),
            "weights": backbone.get("weights"),
            "sha256": _digest([layers[place] for place, *_ in recorded]),
        },
    }
    text = json.dumps(description).encode()
    path = check_output(path)
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        file[_DESCRIPTION] = np.frombuffer(text, "uint8")
        for name, value in arrays.items():
            value = keras.ops.convert_to_numpy(keras.ops.cast(value, "float32"))
            file[name] = value
    with replacing(path) as temporary:
        pathlib.Path(temporary).write_bytes(whole.getvalue())


def load_lora(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    any_base: bool = False,
) -> keras.Model:
    """Gives a model the adapters of a file, in place; all of it or nothing.

    A model without adapters gets them; one with adapters must have the same.

    Args:
        model: The model that the adapters were made for, or one like it.
        path: A file of `kt.save_lora`.
        any_base: Whether the weights that are adapted may be others than
            those that the adapters were trained on. Defaults to `False`.

    Returns:
        The model itself. What of it trains does not change.

    Raises:
        ModelFileError: A `ValueError`. If the file is damaged or hostile, or
            belongs to another model.

    Example: see `kt.save_lora`.
    """
    path = pathlib.Path(path)
    _check_name(path)
    if not path.is_file():
        raise ValueError(f"There is no file of adapters {os.fspath(path)!r}.")
    description, arrays = _read(path)
    recorded = description["adapters"]
    others = _fitting(model, path, description, arrays)
    layers = layers_by_path(model)
    base = description["base"]
    found = _digest([layers[place] for place, *_ in recorded])
    if found != base.get("sha256") and not any_base:
        raise weights.refusal(
            path,
            f"was trained on other weights (of {base.get('name')}, "
            f"{base.get('weights')}) than {model.name!r} has below its "
            "adapters.",
            "Load them into a model with the weights that they were trained "
            "on, or pass any_base=True.",
        )
    for number, (place, rank, alpha) in enumerate(recorded):
        layer = layers[place]
        if not adapters.has_adapter(layer):
            adapters.enable(layer, rank, alpha)
            adapters.forget_functions(model)
        layer.lora_alpha = alpha
        for factor, name in zip(
            adapters.parts_of(layer)[1:], "ab", strict=True
        ):
            factor.assign(arrays[f"adapter_{number}_{name}"])
    for number, weight in enumerate(others):
        weight.assign(arrays[f"weight_{number}"])
    if getattr(model, "compiled", False):
        transition(model)
    return model


def _check_name(path):
    if not path.name.endswith(".lora.h5"):
        raise ValueError(
            "A file of adapters must be named '*.lora.h5'. Received: "
            f"{os.fspath(path)!r}."
        )


def _digest(layers) -> str:
    digest = hashlib.sha256()
    for layer in layers:
        base = adapters.weight_below(layer)
        values = keras.ops.convert_to_numpy(keras.ops.cast(base, "float32"))
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _read(path):
    # No link out of the file, no more than it stores.
    with weights.opened(path) as (opened, stored):
        tensors.check_finite(opened, stored.by_name)
        with h5py.File(opened, "r") as file:
            arrays = {name: file[name][()] for name in stored.by_name}
    description = _parsed(arrays.pop(_DESCRIPTION, np.zeros(0)).tobytes())
    if description is None:
        raise weights.refusal(
            path, "was not written by kt.save_lora of this version."
        )
    return description, arrays


def _parsed(text):
    try:
        found = json.loads(text) if len(text) < _LARGEST_DESCRIPTION else None
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(found, dict) and found.get("format") == _FORMAT
    is_one = is_one and all(
        isinstance(found.get(key), kind) for key, kind in _KEYS.items()
    )
    is_one = is_one and all(isinstance(name, str) for name in found["also"])
    is_one = is_one and all(
        isinstance(entry, list)
        and len(entry) == len(_ADAPTER)
        and all(map(isinstance, entry, _ADAPTER))
        for entry in found["adapters"]
    )
    return found if is_one else None


def _fitting(model, path, description, arrays):
    """The weights of `also`; raises unless all of a file fits a model."""
    layers, faults = layers_by_path(model), []
    recorded = description["adapters"]
    for number, (place, rank, alpha) in enumerate(recorded):
        names = [f"adapter_{number}_a", f"adapter_{number}_b"]
        fault = adapters.fault_of(
            layers.get(place), rank, alpha, [arrays.get(n) for n in names]
        )
        if fault:
            faults.append(f"its adapter of {place!r} {fault}")
    unknown = set(adapters.adapted_layers(model)) - {p for p, *_ in recorded}
    if unknown:
        faults.append(f"it has no adapter for {sorted(unknown)[:3]}")
    by_name = grammar.weights_by_place(model, "*")
    others = [by_name.get(name) for name in description["also"]]
    for number, weight in enumerate(others):
        stored = getattr(arrays.get(f"weight_{number}"), "shape", "missing")
        here = "missing" if weight is None else tuple(weight.shape)
        if here == "missing" or here != stored:
            faults.append(
                f"its weight {description['also'][number]!r} has the shape "
                f"{stored}, and the model's {here}"
            )
    if faults:
        raise weights.refusal(
            path,
            f"does not fit the model {model.name!r}, which is unchanged: "
            f"{'; '.join(faults[:3])}.",
        )
    return others
