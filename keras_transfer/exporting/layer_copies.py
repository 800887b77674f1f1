"""Copies of layers: same configuration, same weights, another name."""

from collections.abc import Callable
from typing import Any

import keras

# Half precision is for training; `float64` no runtime has kernels for.
_OTHER_FLOATS = (
    "mixed_float16",
    "mixed_bfloat16",
    "float16",
    "bfloat16",
    "float64",
)


def copy_of(
    operation: Any,
    name: str,
    *,
    as_float32: bool = False,
    changes: dict[str, Any] | None = None,
) -> Any:
    """Returns a copy of a layer or an operation, without its weights.

    Args:
        operation: A layer or a `keras.ops` operation of a graph.
        name: Name of the copy.
        as_float32: Whether the copy computes in float32 whatever the policy of
            the original.
        changes: Values of its configuration that are others in the copy.
    """
    if isinstance(operation, keras.layers.Lambda):
        # Keras refuses to make one of a configuration, and it has no weights.
        return operation
    config = {**operation.get_config(), "name": name, **(changes or {})}
    if as_float32:
        config = _with_float32(config)
    return type(operation).from_config(config)


def with_weights(
    copy: keras.layers.Layer, weights: list[Any]
) -> Callable[..., Any]:
    """Returns a call of a copy that gives it weights once it is built.

    Args:
        copy: A layer that may not be built yet.
        weights: Arrays in the order of the layer's weights.
    """
    is_done = False

    def call(*args, **kwargs):
        nonlocal is_done
        outputs = copy(*args, **kwargs)
        if not is_done:
            copy.set_weights(weights)
            if isinstance(copy, keras.layers.Normalization):
                copy.finalize_state()
            is_done = True
        return outputs

    return call


def faithful(
    operation: Any, name: str, *, as_float32: bool = False
) -> Callable[..., Any]:
    """Returns a copy that computes what the original computes.

    Args:
        operation: A layer or an operation.
        name: Name of the copy.
        as_float32: As for `copy_of`.
    """
    copy = copy_of(operation, name, as_float32=as_float32)
    weights = getattr(operation, "weights", None)
    if not weights or copy is operation:
        return copy
    return with_weights(copy, operation.get_weights())


def _with_float32(config):
    if isinstance(config, list):
        return [_with_float32(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        name = config["config"]["name"]
        return "float32" if name in _OTHER_FLOATS else config
    return {
        key: "float32"
        if key == "dtype" and value in _OTHER_FLOATS
        else _with_float32(value)
        for key, value in config.items()
    }
