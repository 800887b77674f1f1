"""The freeze schedule that `keras-transfer fit` was asked for."""

import inspect
import pathlib
import re

import keras_transfer as kt
from keras_transfer import names

_FILES = (".json", ".yaml", ".yml")


def find_schedule(word: str) -> "kt.schedules.Schedule":
    """Returns the schedule of a file or a name.

    Args:
        word: A `.json` or `.yaml` file, or a name such as
            `gradual_unfreeze`, which stands for that schedule with its
            defaults.

    Raises:
        ValueError: If there is no such file or schedule.

    Example:
    >>> type(find_schedule("gradual_unfreeze")).__name__
    'GradualUnfreeze'
    """
    if pathlib.Path(word).suffix.lower() in _FILES:
        return kt.schedules.Schedule.from_file(word)
    by_name = schedules_by_name()
    if word not in by_name:
        raise ValueError(
            f"Unknown schedule {word!r}. Expected a file that ends in "
            f"{', '.join(_FILES)} or one of {sorted(by_name)}."
            + names.did_you_mean(word, by_name)
        )
    return by_name[word]()


def schedules_by_name() -> dict[str, type]:
    """Maps `gradual_unfreeze` and so on to the schedules that need no file.

    Example:
    >>> "linear_probe" in schedules_by_name()
    True
    """
    found = {}
    for name in kt.schedules.__all__:
        kind = getattr(kt.schedules, name)
        if (
            inspect.isclass(kind)
            and issubclass(kind, kt.schedules.Schedule)
            and not inspect.isabstract(kind)
            and not _required(kind)
        ):
            found[re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()] = kind
    return found


def _required(kind):
    return {
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }
