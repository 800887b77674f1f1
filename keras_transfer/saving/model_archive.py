"""What a `.keras` archive that we wrote holds, read without building it."""

import json
import os
import zipfile
from typing import Any

import h5py
import keras

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
