"""Schedules as JSON data."""

import dataclasses
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from keras_transfer.schedules import until as endings
from keras_transfer.schedules.phase import LayerDecay
from keras_transfer.schedules.phase import Phase

# How each condition is called in a file.
_CONDITIONS = {
    "epochs": endings.Epochs,
    "at_epoch": endings.AtEpoch,
    "steps": endings.Steps,
    "manual": endings.Manual,
    "plateau": endings.Plateau,
    "threshold": endings.Threshold,
}
# What an argument was called in files of version 0.1.
_FORMER = {"learning_rate": "learning_rate_multiplier"}


def phase_to_data(phase: Phase) -> dict[str, Any]:
    """Returns a phase as JSON data, without what has its default.

    Raises:
        ValueError: If the phase holds a function.

    Example:
    >>> phase_to_data(Phase("head", until=endings.Epochs(3)))
    {'trainable': 'head', 'until': {'epochs': 3}}
    """
    data = {}
    for field in dataclasses.fields(phase):
        value = getattr(phase, field.name)
        if field.name == "trainable" or value != field.default:
            data[field.name] = to_data(value)
    return data


def phase_from_data(data: Mapping[str, Any]) -> Phase:
    """Returns the phase that `phase_to_data` described.

    Raises:
        ValueError: If the data names something that a phase does not have.

    Example:
    >>> phase_from_data({"trainable": ["stage_4", "head"], "warmup_steps": 10})
    Phase(trainable=['stage_4', 'head'], name=None, batch_norm='frozen', ...)
    """
    if not isinstance(data, Mapping) or "trainable" not in data:
        raise ValueError(
            "A phase must be a mapping with at least `trainable`. Received: "
            f"{data!r}."
        )
    known = {field.name for field in dataclasses.fields(Phase)}
    data = renewed(data, known)
    unknown = set(data) - known
    if unknown:
        raise ValueError(
            f"A phase has no {sorted(unknown)}. Expected some of "
            f"{sorted(known)}."
        )
    return Phase(**{name: from_data(value) for name, value in data.items()})


def renewed(data: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Returns arguments from a file under the names that they have today.

    Args:
        data: The arguments.
        known: The names of today.
    """
    today = {}
    for name, value in data.items():
        new = _FORMER.get(name)
        is_old = new in known and new not in data and name not in known
        today[new if is_old else name] = value
    return today


def to_data(value: Any) -> Any:
    """Returns an argument of a schedule as JSON data.

    Raises:
        ValueError: For a function, which no file can hold.
    """
    if isinstance(value, Phase):
        return phase_to_data(value)
    if isinstance(value, LayerDecay):
        return {"layer_decay": _fields(value)}
    for name, kind in _CONDITIONS.items():
        if isinstance(value, kind):
            fields = _fields(value)
            single = len(dataclasses.fields(value)) == 1
            return {name: next(iter(fields.values())) if single else fields}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if isinstance(value, Mapping):
        # Pairs, since the keys are selectors and not always strings.
        pairs = [[to_data(k), to_data(v)] for k, v in value.items()]
        return {"by_selector": pairs}
    if isinstance(value, tuple) and not isinstance(value, list):
        return {"any_of": [to_data(item) for item in value]}
    if isinstance(value, (list, set, frozenset)):
        return [to_data(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        "A schedule that holds a function cannot be saved as data. Received: "
        f"{value!r}. Name layers by patterns instead of a predicate, and end "
        "phases by Epochs, AtEpoch, Steps, Plateau or Threshold."
    )


def from_data(data: Any) -> Any:
    """Returns the argument that `to_data` described.

    Raises:
        ValueError: For a mapping that describes nothing known.
    """
    if isinstance(data, list):
        return [from_data(item) for item in data]
    if not isinstance(data, Mapping):
        return data
    if "trainable" in data:
        return phase_from_data(data)
    if len(data) == 1:
        ((name, value),) = data.items()
        if name in _CONDITIONS:
            return _build(_CONDITIONS[name], value)
        if name == "layer_decay":
            return _build(LayerDecay, value)
        if name == "slice":
            return slice(*value)
        if name == "any_of":
            return tuple(from_data(item) for item in value)
        if name == "by_selector":
            pairs = value.items() if isinstance(value, Mapping) else value
            return {_key(from_data(k)): from_data(v) for k, v in pairs}
    raise ValueError(
        f"Nothing in a schedule is written as {dict(data)!r}. Expected one of "
        f"{[*_CONDITIONS, 'any_of', 'slice', 'layer_decay', 'by_selector']} "
        "as the only key, or a phase with `trainable`."
    )


def _key(selector):
    # What was a tuple of selectors comes back as a list.
    return tuple(selector) if isinstance(selector, list) else selector


def _build(kind, value):
    if isinstance(value, Mapping):
        known = {field.name for field in dataclasses.fields(kind)}
        if set(value) - known:
            raise ValueError(
                f"{kind.__name__} has no {sorted(set(value) - known)}. "
                f"Expected some of {sorted(known)}."
            )
        return kind(**value)
    return kind(value)


def _fields(value):
    """Fields without those that have their default."""
    return {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    }
