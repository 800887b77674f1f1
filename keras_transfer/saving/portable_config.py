"""Model files that older versions of Keras read."""

import inspect
import json
import os
import zipfile
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.files.whole_files import replacing

_CONFIG = "config.json"
# What is off unless somebody asks for it may be left out: a version that
# knows the argument assumes the same, and one that does not has it off too.
# Other defaults stay, since they might have been others.
_OFF = (None, False)


def check_portable(model: keras.Model) -> None:
    """Refuses a model with layers that older versions of Keras lack.

    Args:
        model: The model.

    Raises:
        ValueError: With the classes, and the way out.
    """
    foreign = {
        type(layer).__name__
        for layer in compat.sublayers(model)
        if ">" in keras.saving.get_registered_name(type(layer))
    }
    if foreign:
        raise ValueError(
            f"The model {model.name!r} holds layers that older versions of "
            f"Keras do not have: {sorted(foreign)}. Save "
            "kt.to_stock(model), whose layers are all Keras's own, with "
            "portable=True."
        )


def make_portable(path: str | os.PathLike) -> None:
    """Leaves out of a model file what older versions of Keras cannot read.

    Args:
        path: A `.keras` file, which is replaced.
    """
    with zipfile.ZipFile(path) as archive:
        config = without_defaults(json.loads(archive.read(_CONFIG)))
        if _holds_foreign(config.get("compile_config")):
            del config["compile_config"]
        with (
            replacing(path) as temporary,
            zipfile.ZipFile(temporary, "w") as target,
        ):
            for member in archive.infolist():
                content = (
                    json.dumps(config).encode()
                    if member.filename == _CONFIG
                    else archive.read(member)
                )
                target.writestr(member, content)


def without_defaults(config: Any) -> Any:
    """Returns a configuration without arguments that are off by default.

    Args:
        config: What `keras.saving.serialize_keras_object` returns, or any
            part of it.

    Example:
    >>> layer = keras.layers.Dense(2, use_bias=False)
    >>> config = keras.saving.serialize_keras_object(layer)
    >>> short = without_defaults(config)["config"]
    >>> "kernel_regularizer" in short, short["use_bias"]
    (False, False)
    """
    if isinstance(config, list):
        return [without_defaults(item) for item in config]
    if not isinstance(config, dict):
        return config
    config = {key: without_defaults(item) for key, item in config.items()}
    arguments = config.get("config")
    constructor = _class_of(config)
    if isinstance(arguments, dict) and constructor is not None:
        left_out = _left_out(arguments, _defaults(constructor))
        config["config"] = {
            name: value
            for name, value in arguments.items()
            if name not in left_out
        }
    return config


def _left_out(arguments, defaults):
    same = {
        name
        for name, default in defaults.items()
        if name in arguments and arguments[name] == default
    }
    off = {n for n in same if any(arguments[n] is value for value in _OFF)}
    # What says how, such as `renorm_momentum`, goes with what says whether.
    hows = {n for n in same if any(n.startswith(f"{o}_") for o in off)}
    return off | hows


def _class_of(config):
    """Keras's own public class that a part of a configuration names."""
    parts = str(config.get("module")).split(".")
    if parts[0] != "keras" or config.get("registered_name"):
        return None
    place: Any = keras
    for part in [*parts[1:], config.get("class_name")]:
        place = getattr(place, str(part), None)
    return place if isinstance(place, type) else None


def _defaults(constructor):
    """Default values of all arguments that end up in a constructor."""
    defaults: dict[str, Any] = {}
    for ancestor in constructor.__mro__:
        own = vars(ancestor).get("__init__")
        if own is None:
            continue
        parameters = inspect.signature(own).parameters.values()
        for parameter in parameters:
            if parameter.default is not parameter.empty:
                defaults.setdefault(parameter.name, parameter.default)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return defaults


def _holds_foreign(config):
    if isinstance(config, dict):
        is_foreign = ">" in str(config.get("registered_name"))
        return is_foreign or any(map(_holds_foreign, config.values()))
    return isinstance(config, list) and any(map(_holds_foreign, config))
