"""What a configuration asks for beside weights, against what a file stores.

Weights are counted when the model is built without values. What is left to
look at before are lists and arrays that classes make as soon as they are told
a number, and how much there is to build.
"""

import math
from collections.abc import Iterator
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.configuration import Found
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError
from keras_transfer.saving.archive.tensors import Tensors

# For each of these numbers, a class of Keras makes that many Python objects
# when it is made. A test finds them, by trying all numbers of all classes.
_LISTED = ("num_thresholds", "num_oov_indices")
_ANY_NUMBER = ("seed", "shared_object_id")
_OWN = "keras_transfer>"


def check_declared(
    config: dict[str, Any], found: Found, tensors: Tensors
) -> None:
    """Raises when a configuration asks for more than its file accounts for.

    Args:
        config: The configuration.
        found: What it is made of.
        tensors: What the weights file holds.

    Raises:
        ModelFileError: Names the class, or the sums.
    """
    check_settings(config, found, tensors)
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


def check_settings(
    config: dict[str, Any], found: Found, tensors: Tensors
) -> None:
    """Raises when settings ask for more than a file accounts for.

    Args:
        config: The configuration.
        found: What it is made of.
        tensors: What the weights file holds.

    Raises:
        ModelFileError: Names the class.
    """
    listed = 0
    stored = sum(math.prod(tensor) for tensor in tensors.shapes.values())
    most = max(stored, limits.FOREIGN_NUMBER)
    for entry in _entries(config):
        settings = entry["config"]
        for key in _LISTED:
            if _is_integer(settings.get(key)):
                listed += settings[key]
        if listed > limits.LISTED:
            raise _refusal(entry, f"brings lists to {listed} items")
        size = _input_size(settings.get("batch_shape"))
        if size > limits.INPUT_ELEMENTS:
            raise _refusal(entry, f"takes inputs of {size} numbers")
        registered = entry.get("registered_name") or entry["class_name"]
        if registered not in found.classes:
            continue
        # Nobody knows what another class makes of a number.
        number = max(map(_largest, _without_seeds(settings)), default=0)
        is_own = registered.startswith(_OWN)
        if number > most and not is_own:
            raise _refusal(
                entry,
                f"is set to {number}, where {stored} numbers are stored",
            )


def _entries(config) -> Iterator[dict[str, Any]]:
    """All objects of a configuration."""
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("config"), dict) and "class_name" in item:
                yield item
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def _input_size(shape):
    if not isinstance(shape, list):
        return 0
    return math.prod(d for d in shape if _is_integer(d) and d > 0)


def _largest(value):
    """The largest integer among settings."""
    largest, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += _without_seeds(item)
        elif isinstance(item, list):
            pending += item
        elif _is_integer(item):
            largest = max(largest, item)
    return largest


def _without_seeds(settings):
    return [v for key, v in settings.items() if key not in _ANY_NUMBER]


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _refusal(entry, what):
    return ModelFileError(
        f"holds the {entry['class_name']!s:.80} "
        f"{entry['config'].get('name')!r:.80}, which {what}.",
        UNUSUAL,
    )
