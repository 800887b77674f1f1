"""What a `.keras` archive that we wrote holds, read without building it."""

import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py
import keras

from keras_transfer.saving.archive import ModelFileError
from keras_transfer.structure import freeze_state

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"


def fault_of(path: str | os.PathLike) -> str | None:
    """Returns what is wrong with an archive, or `None`.

    All of it is read, and compared with its checksums.

    Args:
        path: A `.keras` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                return f"its member {damaged!r} is damaged"
            json.loads(archive.read(_CONFIG))
            with archive.open(_WEIGHTS) as file, h5py.File(file, "r"):
                return None
    except (OSError, KeyError, ValueError, EOFError) as error:
        return str(error) or type(error).__name__
    except (zipfile.BadZipFile, NotImplementedError) as error:
        return str(error)


def read_config(path: str | os.PathLike) -> dict[str, Any]:
    """Returns the configuration of the model in an archive.

    Args:
        path: A `.keras` file without a fault.
    """
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_CONFIG))


def as_stored(model: keras.Model) -> dict[str, Any]:
    """Returns the configuration that a file of a model would hold.

    Args:
        model: Any Keras model.
    """
    return json.loads(json.dumps(keras.saving.serialize_keras_object(model)))


def classes_of(config: Any) -> list[str]:
    """Lists the classes of what a model is made of, in order.

    Names do not matter: weights are stored by class and order.

    Args:
        config: What `read_config` returned, or any part of it.
    """
    found = []
    if isinstance(config, list):
        for item in config:
            found += classes_of(item)
    elif isinstance(config, dict):
        if "class_name" in config and "config" in config:
            found.append(config["class_name"])
        for key, item in config.items():
            if key not in ("compile_config", "metadata", "build_config"):
                found += classes_of(item)
    return found


def metadata_of(config: Any) -> dict[str, Any]:
    """Returns the metadata of the first `ModelInfo`; empty if there is none.

    Args:
        config: What `read_config` returned.
    """
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if item.get("registered_name") == "keras_transfer>ModelInfo":
                return item["config"]["metadata"]
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return {}


def restore_flags(model: keras.Model, config: dict[str, Any]) -> None:
    """Freezes and opens the layers of a loaded model as its file says.

    Keras does most of it; it forgets the flag of a `Sequential`, which closes
    all that it holds.

    Args:
        model: The model, just loaded.
        config: What `config.json` of its file holds.

    Raises:
        ModelFileError: If a layer does not take the flag.
    """
    flags = list(_stored_flags(model, config))
    if all(layer.trainable == flag for layer, flag in flags):
        # Nothing to write, which would also touch the flags of variables.
        return
    freeze_state.write(flags)
    for layer, flag in flags:
        if layer.trainable != flag:
            raise ModelFileError(
                f"says trainable={flag} for the layer {layer.name!r}, which "
                f"is {layer.trainable} all the same.",
                "Set the flag after loading with kt.set_trainable, or save "
                "the model again.",
            )


def _stored_flags(layer, item) -> Iterator[tuple[Any, bool]]:
    """Layers with their stored flags, outermost first."""
    config = item.get("config")
    if not isinstance(config, dict):
        return
    if isinstance(config.get("trainable"), bool):
        yield layer, config["trainable"]
    if not isinstance(layer, keras.Model):
        return
    by_name = {inner.name: inner for inner in layer.layers}
    for inner in config.get("layers") or ():
        if isinstance(inner, dict) and isinstance(inner.get("config"), dict):
            found = by_name.get(inner["config"].get("name"))
            if found is not None:
                yield from _stored_flags(found, inner)
