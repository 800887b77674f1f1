"""The fingerprint of a model: what its outputs depend on."""

import concurrent.futures
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

# What may differ between two models that compute the same: how they were
# compiled or are to be trained, the sizes of batches they have seen, the paths
# that an extractor was asked for, the module that a class is kept in.
_IRRELEVANT = (
    "build_config",
    "build_input_shape",
    "compile_config",
    "extraction",
    "module",
    "trainable",
)
_RECORD = "keras_transfer>ModelInfo"


def fingerprint_model(model: keras.Model) -> dict[str, str]:
    """Returns digests of what a model computes, the same in every process.

    They depend on the layers, their options and connections (and so on the
    preprocessing inside the model), and on the bytes of all weights; not on
    names, trainable flags, compilation, or the training history that the
    model carries. Give the part of a model that is used, such as an
    extractor: what comes after it does not count then.

    The code of custom layers is not seen, only their class name and config.

    Args:
        model: Any built Keras model. Of a subclassed one without `get_config`
            only the class and the weights are known.

    Returns:
        Dictionary with `"graph"` and `"weights"`, as stores expect it.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> same = keras.models.clone_model(model)
    >>> same.set_weights(model.get_weights())
    >>> fingerprint_model(same) == fingerprint_model(model)
    True
    """
    return {
        "graph": digest_of_graph(model),
        "weights": digest_of_arrays(model.weights),
    }


def digest_of_graph(model: keras.Model) -> str:
    """Returns a digest of a model's layers, options and connections."""
    try:
        config = keras.saving.serialize_keras_object(model)
    except NotImplementedError:
        config = [type(model).__qualname__, type(model).__module__]
    return digest_of_config(config)


def digest_of_config(config: Any) -> str:
    """Returns a digest of the config of one or several operations.

    Args:
        config: JSON values, in which what `serialize_keras_object` makes of
            operations may be nested; their names do not count.
    """
    names: dict[str, str] = {}
    _collect_names(config, names)
    text = json.dumps(_canonical(config, names), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_arrays(arrays: Iterable[Any]) -> str:
    """Returns a digest of the shapes, types and bytes of some arrays.

    Args:
        arrays: Arrays or variables, in an order that means something.
    """
    # hashlib lets go of the interpreter: each core hashes another array.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        digests = list(pool.map(_digest_of_array, arrays))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _digest_of_array(array):
    array = np.ascontiguousarray(keras.ops.convert_to_numpy(array))
    digest = hashlib.sha256(f"{array.shape} {array.dtype.name} ".encode())
    digest.update(array.reshape(-1).view("uint8"))
    return digest.digest()


def _collect_names(config, names):
    """Numbers the names of operations in the order in which they come."""
    if isinstance(config, dict):
        if _is_operation(config):
            name = config["config"].get("name")
            if isinstance(name, str):
                names.setdefault(name, f"#{len(names)}")
        for value in config.values():
            _collect_names(value, names)
    elif isinstance(config, list | tuple):
        for value in config:
            _collect_names(value, names)


def _is_operation(config):
    # The name of a dtype policy, in the same place, is what it does.
    return (
        isinstance(config.get("config"), dict)
        and "class_name" in config
        and not config["class_name"].endswith("DTypePolicy")
    )


def _canonical(config, names):
    if isinstance(config, dict):
        is_record = config.get("registered_name") == _RECORD
        return {
            key: _canonical(value, names)
            for key, value in config.items()
            if key not in _IRRELEVANT and not (is_record and key == "config")
        }
    if isinstance(config, list | tuple):
        return [_canonical(value, names) for value in config]
    if isinstance(config, str):
        return names.get(config, config)
    return config
