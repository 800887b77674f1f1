"""Weights that layers ask for, against those that a file stores.

A file of a few kilobytes can ask for a layer of a billion units, whose memory
Keras takes before it looks at the weights. What a layer will take follows from
its settings and the shape that it is built for, which are both in the file.
"""

import math
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.configuration import Found
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError
from keras_transfer.saving.archive.tensors import Tensors

_SIZES = (
    "units",
    "filters",
    "input_dim",
    "output_dim",
    "num_heads",
    "num_query_heads",
    "num_key_value_heads",
    "head_dim",
    "key_dim",
    "value_dim",
    "depth_multiplier",
    "groups",
    "kernel_size",
    "max_tokens",
    "num_tokens",
    "num_bins",
    "batch_shape",
    "target_shape",
    "height",
    "width",
    "size",
    "n",
)
# These are built for a shape, which says the other half of their size.
_BUILT = ("units", "filters", "depth_multiplier")


def check_declared(found: Found, tensors: Tensors) -> None:
    """Raises when layers ask for more than is stored for them.

    Args:
        found: What the configuration is made of.
        tensors: What the weights file holds.

    Raises:
        ModelFileError: Names the layer, or the sums.
    """
    stored = sum(math.prod(shape) for shape in tensors.shapes.values())
    allowed = limits.DECLARED_PER_STORED * stored + limits.DECLARED_FLOOR
    declared = 0
    counted = set()
    for item in found.stock_layers:
        shared = item.get("shared_object_id")
        if shared is None or shared not in counted:
            counted.add(shared)
            declared += _elements(item)
        if declared > allowed:
            raise _refusal(
                item,
                f"brings the weights that the layers ask for to {declared} "
                f"numbers at least, where {stored} are stored",
            )
    if found.layers > tensors.groups:
        raise ModelFileError(
            f"lists {found.layers} layers and stores the weights of "
            f"{tensors.groups} at most.",
            UNUSUAL,
        )
    most = limits.OPERATIONS + limits.OPERATIONS_PER_GROUP * tensors.groups
    if found.operations > most:
        raise ModelFileError(
            f"lists {found.operations} operations; expected {most} at most "
            "for a model of its size.",
            UNUSUAL,
        )


def _elements(item: dict[str, Any]) -> int:
    """The least number of weights that a layer will hold."""
    config = item["config"]
    for key in _SIZES:
        for value in _flat(config.get(key)):
            _check_size(item, key, value)
    if config.get("batch_shape") is not None:
        size = math.prod(d for d in _flat(config["batch_shape"]) if d)
        if size > limits.INPUT_ELEMENTS:
            raise _refusal(item, f"takes inputs of {size} numbers")
    if "input_dim" in config and "output_dim" in config:
        return _number(config["input_dim"]) * _number(config["output_dim"])
    if "num_heads" in config:
        return _number(config["num_heads"]) * _number(config.get("key_dim"))
    if not any(key in config for key in _BUILT):
        return 0
    inputs = _input_channels(item)
    kernel = math.prod(_flat(config.get("kernel_size")) or [1])
    if "units" in config:
        return inputs * _number(config["units"])
    if "depth_multiplier" in config:
        inputs *= _number(config["depth_multiplier"])
        filters = _number(config.get("filters"))
        return kernel * inputs + (inputs * filters if filters > 1 else 0)
    groups = _number(config.get("groups"))
    return kernel * inputs * _number(config["filters"]) // groups


def _input_channels(item):
    build = item.get("build_config")
    shape = build.get("input_shape") if isinstance(build, dict) else None
    if isinstance(build, dict) and shape is None:
        shapes = build.get("shapes_dict") or {}
        shape = next(iter(shapes.values()), None)
    channels_first = item["config"].get("data_format") == "channels_first"
    if not isinstance(shape, list) or len(shape) < 2:
        raise _refusal(item, "does not say what shape it is built for")
    channels = shape[1] if channels_first else shape[-1]
    for value in _flat(shape):
        _check_size(item, "build_config", value)
    return _number(channels)


def _check_size(item, key, value):
    is_size = isinstance(value, int) and not isinstance(value, bool)
    if value is None or (is_size and (value >= 0 or key == "target_shape")):
        return
    raise _refusal(item, f"has {key} {value!r:.80}, which is no size")


def _flat(value):
    if not isinstance(value, list):
        return [] if value is None else [value]
    return [leaf for item in value for leaf in (_flat(item) or [None])]


def _number(value):
    return max(value, 1) if isinstance(value, int) else 1


def _refusal(item, what):
    return ModelFileError(
        f"holds the {item['class_name']} layer "
        f"{item['config'].get('name')!r}, which {what}.",
        UNUSUAL,
    )
