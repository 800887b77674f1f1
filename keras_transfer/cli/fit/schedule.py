"""The freeze schedule that `keras-transfer fit` was asked for."""

import inspect
import pathlib
import re

import keras_transfer as kt
from keras_transfer import names

_FILES = (".json", ".yaml", ".yml")


def find_schedule(word: str, epochs: int) -> "kt.schedules.Schedule":
    """Returns the schedule of a file or a name.

    Args:
        word: A `.json` or `.yaml` file, or a name such as
            `gradual_unfreeze`, which stands for that schedule with its
            defaults, but for two: a probe lasts a third of the epochs, and
            the rate that suits a new head is lowered for the backbone, down
            to a hundredth in its first stage.
        epochs: Number of epochs of training.

    Raises:
        ValueError: If there is no such file or schedule, or a schedule that
            cannot be made without further arguments.

    Example:
    >>> type(find_schedule("gradual_unfreeze", epochs=10)).__name__
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
    kind = by_name[word]
    given, parameters = {}, inspect.signature(kind).parameters
    if "probe_epochs" in parameters:
        given["probe_epochs"] = max(1, epochs // 3)
    if "learning_rate_multiplier" in parameters:
        given["learning_rate_multiplier"] = slice(0.01, 1.0)
    return kind(**given)


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
            and _required(kind) <= {"probe_epochs"}
        ):
            found[re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()] = kind
    return found


def _required(kind):
    return {
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }
