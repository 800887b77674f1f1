"""A monitored value: which way it improves, what an epoch reports of it."""

import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_transfer import compat

MODES = ("auto", "min", "max")


def rises(
    monitor: str, mode: str = "auto", model: keras.Model | None = None
) -> bool:
    """Whether a monitored value improves by rising.

    `mode` decides. With `"auto"`, the metric decides that the model was
    compiled with, as for `keras.callbacks.EarlyStopping`; losses fall,
    whatever their outputs are called. Where there is only a name, because no
    model is given or another callback adds the value to the logs, it falls
    if the last word of the name is "loss" or "error" or if Keras has a metric
    of this name that falls; every other value rises.

    Args:
        monitor: Name in the logs.
        mode: `"min"`, `"max"` or `"auto"`. Defaults to `"auto"`.
        model: The compiled model. Defaults to `None`: only the name is known.

    Raises:
        ValueError: If the model was compiled with this metric, but neither it
            nor its name says which way it improves.

    Example:
    >>> rises("val_accuracy"), rises("val_score_loss"), rises("mae")
    (True, False, False)
    >>> rises("val_kappa"), rises("val_kappa", mode="min")
    (True, False)
    """
    if mode != "auto":
        return mode == "max"
    directions = {} if model is None else compat.metric_directions(model)
    bare = monitor.removeprefix("val_")
    name = monitor if monitor in directions else bare
    if directions.get(name) is not None:
        return directions[name] == "up"
    if re.split(r"[_\W]", bare.lower())[-1] in ("loss", "error"):
        return False
    if name in directions:
        raise ValueError(
            f"The metric {monitor!r} does not say whether it improves by "
            "rising or by falling. Pass mode='max' or mode='min' (for the "
            "`restore_best` of a Phase, `restore_best_mode`) beside its name."
        )
    return _known_direction(bare) != "down"


def _known_direction(name):
    """What Keras's own metric of a name says."""
    try:
        return compat.direction(keras.metrics.get(name))
    except (ValueError, TypeError):
        return None  # No metric of Keras, or one that needs arguments.


def read(logs: Mapping[str, Any] | None, monitor: str) -> float:
    """Returns the value that an epoch reports.

    Args:
        logs: The logs of the epoch.
        monitor: Name of the value.

    Raises:
        ValueError: If the logs do not hold it, or hold several numbers.

    Example:
    >>> read({"loss": 0.5}, "loss")
    0.5
    """
    logs = logs or {}
    if monitor not in logs:
        hint = ""
        if monitor.startswith("val_"):
            hint = " Pass `validation_data` to `fit`, for every epoch."
        raise ValueError(
            f"Training waits for the metric {monitor!r}, which the epoch "
            f"did not report. Expected one of {sorted(logs)}.{hint}"
        )
    value = plain(logs[monitor])
    if isinstance(value, list):
        raise ValueError(
            f"The metric {monitor!r} has {np.size(value)} values, of which "
            "none can be told to be the best. Monitor a metric with one "
            "value, such as keras.metrics.F1Score(average='macro')."
        )
    return value


def plain(value: Any) -> Any:
    """Returns a number, or nested lists of numbers, as Python has them.

    Args:
        value: What logs hold: a number, an array or a tensor.

    Example:
    >>> plain(np.float32(0.5)), plain(np.eye(2))
    (0.5, [[1.0, 0.0], [0.0, 1.0]])
    """
    if not isinstance(value, (int, float)):
        value = keras.ops.convert_to_numpy(value)
    return np.asarray(value, "float64").tolist()


def improved(
    value: float, best: float | None, is_rising: bool, min_delta: float = 0.0
) -> bool:
    """Whether a value is better than the best so far; NaN never is.

    Args:
        value: The new value.
        best: The best so far, or `None`.
        is_rising: Whether greater is better.
        min_delta: Smallest change that counts. Defaults to 0.

    Example:
    >>> improved(0.9, 0.8, is_rising=True), improved(math.nan, None, True)
    (True, False)
    """
    if math.isnan(value):
        return False
    if best is None:
        return True
    return value > best + min_delta if is_rising else value < best - min_delta


def warn_if_nan(value: float, monitor: str, consequence: str) -> bool:
    """Warns of a monitored value that is NaN; returns whether it did.

    Args:
        value: The value.
        monitor: Its name.
        consequence: What follows, as the end of a sentence.
    """
    if not math.isnan(value):
        return False
    warnings.warn(
        f"The metric {monitor!r} is NaN, {consequence}. Metrics that divide "
        "are NaN where a class was never predicted or never seen.",
        stacklevel=3,
    )
    return True


def check_mode(mode: str, name: str = "mode") -> None:
    """Raises `ValueError` for an unknown direction of improvement.

    Args:
        mode: What was passed.
        name: What the argument is called. Defaults to `"mode"`.
    """
    if mode not in MODES:
        raise ValueError(
            f"`{name}` must be 'auto', 'min' or 'max'. Received: {mode!r}."
        )
