"""What the description of an exported file may say.

A client relies on it before the model has run, so everything that costs
memory is bounded: a file of a few bytes must not declare an image of terabytes.
"""

import math
import re
from collections.abc import Callable
from typing import Any

MOST_CLASSES = 100_000
MOST_FILES = 10_000
_MOST_LETTERS = 1000
_MOST_AXES = 8
_LARGEST_AXIS = 1 << 31
_SHA256 = re.compile("[0-9a-f]{64}")
_DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "bool"),
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
)


def fault_of(record: Any) -> str | None:
    """Says what is wrong with a description, or returns `None`.

    Args:
        record: What its JSON holds.
    """
    fields = record if isinstance(record, dict) else {}
    missing = [key for key in _SECTIONS if key not in fields]
    if missing:
        return f"it lacks {', '.join(missing)}"
    record.setdefault("class_names", None)
    for path, (expected, is_right) in _FIELDS.items():
        value: Any = record
        for key in path.split("."):
            if key not in value:
                return f"it lacks {path}"
            value = value[key]
        if not is_right(value):
            return f"its {path} is {_kind(value)}, expected {expected}"
    names, units = record["class_names"], record["output"]["shape"][-1]
    # One unit tells two classes apart.
    if names is not None and len(names) != max(units or 0, 2):
        return f"it names {len(names)} classes for {units} units of output"
    return None


def _is_text(value):
    return isinstance(value, str) and len(value) <= _MOST_LETTERS


def _is_object(value):
    return isinstance(value, dict)


def _is_count(value):
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 1 <= value < _LARGEST_AXIS


def _is_shape(value):
    return (
        isinstance(value, list)
        and 1 <= len(value) <= _MOST_AXES
        and all(axis is None or _is_count(axis) for axis in value)
    )


def _is_output_shape(value):
    return _is_shape(value) and (value[-1] is None or value[-1] <= MOST_CLASSES)


def _is_range(value):
    if value is None:
        return True
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_number(bound) for bound in value)
        and value[0] < value[1]
    )


def _is_number(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Of integers too, JSON has some that no float holds.
    return is_number and abs(value) < 1e30 and math.isfinite(value)


def _are_classes(value):
    return value is None or (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_CLASSES
        and all(_is_text(name) for name in value)
    )


def _are_files(value):
    return (
        isinstance(value, dict)
        and len(value) <= MOST_FILES
        and all(
            _is_text(name)
            and isinstance(entry, dict)
            and isinstance(entry.get("sha256"), str)
            and _SHA256.fullmatch(entry["sha256"])
            for name, entry in value.items()
        )
    )


def _are_versions(value):
    return (
        isinstance(value, dict)
        and len(value) <= MOST_FILES
        and all(_is_text(k) and _is_text(v) for k, v in value.items())
    )


def _kind(value):
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)[:80]


_SECTIONS = ("input", "output", "files", "versions")
# In this order: what contains another comes before it.
_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "class_names": (
        f"null or a list of 1 to {MOST_CLASSES:,} names",
        _are_classes,
    ),
    "input": ("an object", _is_object),
    "output": ("an object", _is_object),
    "files": ("an object of files with their sha256", _are_files),
    "versions": ("an object of texts", _are_versions),
    "input.shape": ("a list of whole numbers or null", _is_shape),
    "input.dtype": (f"one of {', '.join(_DTYPES)}", _DTYPES.__contains__),
    "input.range": ("null or two finite numbers, the smaller first", _is_range),
    "output.shape": (
        f"a list of whole numbers, the last of at most {MOST_CLASSES:,}",
        _is_output_shape,
    ),
    "output.activation": (
        "null or a name",
        lambda value: value is None or _is_text(value),
    ),
}
