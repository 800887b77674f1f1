"""The fingerprint of a part of a model's graph."""

import hashlib
from typing import Any

import keras
import numpy as np

from keras_transfer.feature_store.fingerprint import digest_of_config
from keras_transfer.features.steps import GraphPart
from keras_transfer.structure.graph import EnterModel
from keras_transfer.structure.graph import Ref


def fingerprint_part(part: GraphPart) -> dict[str, str]:
    """Returns digests of what a part computes, the same in every process.

    Like `fingerprint_model` for a whole model: names, trainable flags and the
    code of custom layers do not count.

    Args:
        part: The part.

    Returns:
        Dictionary with `"graph"` and `"weights"`, as stores expect it.
    """
    return {"graph": _digest_of_graph(part), "weights": digest_of_weights(part)}


def digest_of_weights(model: keras.Model) -> str:
    """Returns a digest of the values of a model's weights."""
    digest = hashlib.blake2b(digest_size=32)
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(values.reshape(-1).view("uint8"))
    return digest.hexdigest()


def _digest_of_graph(part):
    numbers = {ref: number for number, ref in enumerate(part.input_refs)}
    config: list[Any] = [
        [list(ref.spec.shape[1:]), ref.spec.dtype] for ref in part.input_refs
    ]
    for step in part.steps:
        arguments = keras.tree.map_structure(
            lambda leaf: f"#{numbers[leaf]}" if isinstance(leaf, Ref) else leaf,
            step.arguments,
        )
        config.append([_config_of(step.operation), _as_lists(arguments)])
        for ref in step.outputs:
            numbers[ref] = len(numbers)
    config.append([numbers[ref] for ref in part.output_refs])
    return digest_of_config(config)


def _config_of(operation):
    if isinstance(operation, EnterModel):
        return ["enter", operation.dtype]
    try:
        return keras.saving.serialize_keras_object(operation)
    except NotImplementedError:
        return [type(operation).__qualname__, type(operation).__module__]


def _as_lists(arguments):
    args, kwargs = arguments
    return [list(args), dict(kwargs)]
