"""Fingerprints: digests that tell one model, or one data set, from another."""

import concurrent.futures
import json
import os
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.files.checksums import file_sha256
from keras_transfer.files.checksums import sha256_of
from keras_transfer.files.checksums import text_sha256

# Entries in which models that compute the same may differ: how they were
# compiled or are trained, the batch sizes they have seen, the paths that an
# extractor was asked for, and the module of a class.
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

    They depend on layers, their options and connections (including the
    preprocessing inside the model) and on the bytes of all weights; not on
    names, trainable flags, compilation or the training history. If only part
    of a model is used, pass that part, such as an extractor.

    Of custom layers only the class name and config count, not the code.

    Args:
        model: Any built Keras model. For subclassed models without
            `get_config`, only the class and the weights count.

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
        config: JSON values, which may contain operations serialized by
            `serialize_keras_object`; names of operations do not count.
    """
    names: dict[str, str] = {}
    _collect_names(config, names)
    text = json.dumps(_canonical(config, names), sort_keys=True, default=repr)
    return text_sha256(text)


def digest_of_arrays(arrays: Iterable[Any]) -> str:
    """Returns a digest of the shapes, types and bytes of some arrays.

    Args:
        arrays: Arrays or variables; their order counts.
    """
    # hashlib releases the GIL, so arrays are hashed in parallel.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return sha256_of(pool.map(_digest_of_array, arrays))


def _digest_of_array(array):
    array = np.ascontiguousarray(keras.ops.convert_to_numpy(array))
    kind = f"{array.shape} {array.dtype.name} ".encode()
    return bytes.fromhex(sha256_of([kind, array.reshape(-1).view("uint8")]))


def _collect_names(config, names):
    """Numbers the names of operations in order of appearance."""
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
    # The name of a dtype policy, stored in the same place, has a meaning.
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


def fingerprint_files(
    paths: Sequence[str | os.PathLike],
    root: str | os.PathLike | None = None,
    by: str = "status",
) -> dict[str, Any]:
    """Returns a fingerprint of files, in their order.

    Args:
        paths: The files.
        root: Folder to which names are made relative, so that it may be
            moved; `None` takes the names as they are.
        by: `"status"` for size and modification time, which is fast;
            `"content"` for every byte, which gives the same digest on every
            machine.

    Returns:
        Dictionary with the number of files and a digest.

    Raises:
        ValueError: For another `by`, or a file that does not exist.

    Example:
    >>> fingerprint_files(["bees/bee2.jpg", "bees/bee10.jpg"])["files"]
    2
    """
    if by not in ("status", "content"):
        raise ValueError(
            f"`by` must be 'status' or 'content'. Received: by={by!r}"
        )
    describe = _status if by == "status" else _content
    names = (os.path.relpath(p, root) if root else os.fspath(p) for p in paths)
    digest = sha256_of(
        os.fsencode(name) + b"\0" + describe(path) + b"\0"
        for name, path in zip(names, paths, strict=True)
    )
    return {"files": len(paths), "digest": digest}


def fingerprint_arrays(*arrays: np.ndarray) -> dict[str, Any]:
    """Returns a fingerprint of arrays by their contents.

    Example:
    >>> fingerprint_arrays(np.ones((3, 2)))["shapes"]
    [[3, 2]]
    """
    return {
        "shapes": [list(np.shape(array)) for array in arrays],
        "digest": digest_of_arrays(arrays),
    }


def fingerprint_batches(batches: Iterable[Any]) -> dict[str, Any]:
    """Returns a fingerprint of what a data set yields, by reading all of it.

    If the sources are known (files, arrays), their fingerprint is cheaper.

    Args:
        batches: Arrays or nested tuples and dictionaries of arrays, such as
            the elements of a `tf.data.Dataset` that yields the same each time.

    Example:
    >>> fingerprint_batches([(np.ones((2, 4)), np.zeros(2))])["batches"]
    1
    """
    digests = [digest_of_arrays(_leaves(b)).encode() for b in batches]
    return {"batches": len(digests), "digest": sha256_of(digests)}


def _status(path):
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise ValueError(_missing(path)) from error
    return f"{status.st_size} {status.st_mtime_ns}".encode()


def _content(path):
    try:
        return bytes.fromhex(file_sha256(path))
    except FileNotFoundError as error:
        raise ValueError(_missing(path)) from error


def _missing(path):
    return f"There is no file {os.fspath(path)!r}, so it has no fingerprint."


def _leaves(batch):
    if isinstance(batch, dict):
        batch = [batch[key] for key in sorted(batch)]
    if isinstance(batch, list | tuple):
        return [leaf for part in batch for leaf in _leaves(part)]
    return [] if batch is None else [batch]
