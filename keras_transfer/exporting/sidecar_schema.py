"""What the description of an exported file may say.

A client relies on it before the model has run, so everything that costs
memory is bounded: a file of a few bytes must not declare an image of terabytes.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from keras_transfer.structure.output_records import MOST_OUTPUTS
from keras_transfer.structure.task import Task

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
    output = () if "outputs" in fields else ("output",)
    sections = (_SECTIONS[0], *output, *_SECTIONS[1:])
    missing = [key for key in sections if key not in fields]
    if missing:
        return f"it lacks {', '.join(missing)}"
    record.setdefault("class_names", None)
    is_single = "outputs" not in record
    fault = _fault_in(record, _SINGLE if is_single else _SEVERAL)
    if fault:
        return fault
    outputs = outputs_of(record)
    if not is_single:
        for place, output in enumerate(outputs):
            fault = _fault_in(output, _OUTPUT)
            if fault:
                return f"in the output {place}, {fault}"
        names = [output["name"] for output in outputs]
        if len({*names}) < len(names):
            return "two of its outputs have one name"
        if sum(output["shape"][-1] or 0 for output in outputs) > MOST_CLASSES:
            return f"its outputs have over {MOST_CLASSES:,} units together"
    for output in outputs:
        fault = _fault_of_task(output)
        if fault:
            return fault
    return None


def outputs_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what a description says of each output, in order.

    Args:
        record: What its JSON holds.

    Returns:
        Dictionaries with `name` (`None` for the only output), `shape`,
        `activation`, `class_names` and `task` (`None` before there were tasks).
    """
    if "outputs" in record:
        return record["outputs"]
    own = {"name": None, "class_names": record["class_names"]}
    return [{**record["output"], **own, "task": record.get("task")}]


def _fault_in(record, fields):
    for path, (expected, is_right) in fields.items():
        value: Any = record
        for key in path.split("."):
            if key not in value:
                return f"it lacks {path}"
            value = value[key]
        if not is_right(value):
            return f"its {path} is {_kind(value)}, expected {expected}"
    return None


def _fault_of_task(output):
    names, units = output["class_names"], output["shape"][-1]
    record = output["task"]
    if record is not None and not isinstance(record, dict):
        return f"its task is {_kind(record)}, expected an object"
    try:
        task = Task.from_json(record or {})
    except (TypeError, ValueError) as error:
        return f"its task is none: {str(error).rstrip('.')}"
    # One unit tells two classes apart.
    expected = units or 0
    if task.kind == "classification":
        expected = max(expected, 2)
    if names is not None and len(names) != expected:
        return f"it names {len(names)} classes for {units} units of output"
    targets = task.targets and task.targets.names
    for what, values in ("thresholds", task.thresholds), ("targets", targets):
        if values is not None and len(values) != units:
            return f"it has {len(values)} {what} for {units} units of output"
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


def _are_outputs(value):
    return (
        isinstance(value, list)
        and 2 <= len(value) <= MOST_OUTPUTS
        and all(map(_is_object, value))
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


_SECTIONS = ("input", "files", "versions")
_Fields = dict[str, tuple[str, Callable[[Any], Any]]]
_CLASS_NAMES = f"null or a list of 1 to {MOST_CLASSES:,} names", _are_classes
_OUTPUT_SHAPE = (
    f"a list of whole numbers, the last of at most {MOST_CLASSES:,}",
    _is_output_shape,
)
_ACTIVATION = (
    "null or a name",
    lambda value: value is None or _is_text(value),
)
# In this order: what contains another comes before it.
_COMMON: _Fields = {
    "input": ("an object", _is_object),
    "files": ("an object of files with their sha256", _are_files),
    "versions": ("an object of texts", _are_versions),
    "input.shape": ("a list of whole numbers or null", _is_shape),
    "input.dtype": (f"one of {', '.join(_DTYPES)}", _DTYPES.__contains__),
    "input.range": ("null or two finite numbers, the smaller first", _is_range),
}
_SINGLE: _Fields = {
    "class_names": _CLASS_NAMES,
    "output": ("an object", _is_object),
    **_COMMON,
    "output.shape": _OUTPUT_SHAPE,
    "output.activation": _ACTIVATION,
}
_SEVERAL: _Fields = {
    **_COMMON,
    "outputs": (f"a list of 2 to {MOST_OUTPUTS} objects", _are_outputs),
}
_OUTPUT: _Fields = {
    "name": ("a name", lambda value: _is_text(value) and value),
    "shape": _OUTPUT_SHAPE,
    "activation": _ACTIVATION,
    "class_names": _CLASS_NAMES,
    "task": (
        "null or an object",
        lambda value: value is None or _is_object(value),
    ),
}
