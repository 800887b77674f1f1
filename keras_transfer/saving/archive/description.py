"""What a model file is, told without building the model."""

import math
import os
from typing import Any

from keras_transfer.registry import plugin_classes
from keras_transfer.saving.archive import own_objects
from keras_transfer.saving.archive.opening import Contents
from keras_transfer.saving.archive.opening import checked


def describe(
    path: str | os.PathLike, declared: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    """Returns what a model file says of itself, as plain JSON values.

    Args:
        path: A `.keras` file.
        declared: Distribution and version behind each class that installed
            distributions declare, by its registered name.

    Raises:
        ModelFileError: If the file is damaged or hostile.
    """
    with checked(path, lambda name: is_declared(name, declared)) as contents:
        return _describe(path, contents, declared)


def is_declared(name: str, declared: dict[str, tuple[str, str]]) -> bool:
    """Whether a registered name is ours or of an installed distribution."""
    return name in own_objects.REGISTERED or name in declared


def _describe(path, contents: Contents, declared):
    info = contents.found.model_info
    info = info if isinstance(info, dict) else {}
    layers = list(_layers(contents.config))
    flags = [flag for flag in layers if flag is not None]
    return {
        "file": os.fspath(path),
        "bytes": os.path.getsize(path),
        "saved": _saved(contents.metadata, info),
        "class_names": info.get("class_names"),
        "task": info.get("task") or None,
        "outputs": info.get("outputs") or [],
        "input": _input(contents.config, info),
        "backbone": info.get("backbone"),
        "head": info.get("head"),
        "layers": len(layers),
        "frozen_layers": flags.count(False),
        "parameters": sum(
            math.prod(shape)
            for name, shape in contents.tensors.shapes.items()
            if name.startswith(("layers/", "_layer_checkpoint"))
            and "seed_generator" not in name
            and not name.rpartition("/")[2].startswith("lora_")
        ),
        "compiled": bool(contents.config.get("compile_config")),
        "schedule": info.get("schedule"),
        "classes": {
            name: _provider(name, info, declared)
            for name in contents.found.classes
        },
        "missing": contents.found.missing,
    }


def _saved(metadata, info):
    versions = info.get("versions")
    return {
        "keras": metadata.get("keras_version"),
        "keras_transfer": (
            versions.get("keras_transfer")
            if isinstance(versions, dict)
            else None
        ),
        "date": metadata.get("date_saved"),
    }


def _input(config, info):
    noted = info.get("input")
    pending = [config]
    shape = None
    while pending and shape is None:
        item = pending.pop(0)
        inner = item.get("config") if isinstance(item, dict) else None
        if isinstance(inner, dict):
            shape = inner.get("batch_shape")
            layers = inner.get("layers")
            pending += layers if isinstance(layers, list) else []
    return {
        **(noted if isinstance(noted, dict) else {}),
        "shape": shape[1:] if isinstance(shape, list) else None,
    }


def _layers(item):
    """The flag of each layer that is no model, `None` where it has none."""
    inner = item.get("config") if isinstance(item, dict) else None
    if not isinstance(inner, dict):
        return
    layers = inner.get("layers")
    if not isinstance(layers, list):
        yield inner.get("trainable")
        return
    for layer in layers:
        yield from _layers(layer)


def _provider(name, info, declared):
    if name in own_objects.REGISTERED:
        return "keras-transfer"
    if name in declared:
        return " ".join(declared[name])
    owner = plugin_classes.recorded(info).get(name)
    if isinstance(owner, dict):
        return f"{owner.get('distribution')} (not installed)"
    return "unknown (not installed)"
