"""What can end a phase."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from keras_transfer.callbacks import monitoring
from keras_transfer.names import check_whole_number


@dataclasses.dataclass(frozen=True)
class Epochs:
    """Ends a phase after a number of epochs.

    Args:
        count: Number of epochs, at least 1.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.Epochs(3)
    Epochs(count=3)
    """

    count: int

    def __post_init__(self):
        check_whole_number("count", self.count, 1, owner="Epochs")


@dataclasses.dataclass(frozen=True)
class AtEpoch:
    """Ends a phase when an epoch of training begins.

    Args:
        epoch: The first epoch of the next phase, counted from 0 as `fit`
            counts with `initial_epoch`; at least 1.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.AtEpoch(5)
    AtEpoch(epoch=5)
    """

    epoch: int

    def __post_init__(self):
        check_whole_number("epoch", self.epoch, 1, owner="AtEpoch")


@dataclasses.dataclass(frozen=True)
class Steps:
    """Ends a phase after a number of training steps, also inside an epoch.

    Prefer it where an epoch is too long to wait for. With
    `steps_per_execution` the phase ends with the execution that holds its last
    step.

    Args:
        count: Number of batches, at least 1.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.Steps(1000)
    Steps(count=1000)
    """

    count: int

    def __post_init__(self):
        check_whole_number("count", self.count, 1, owner="Steps")


@dataclasses.dataclass(frozen=True)
class Manual:
    """Ends a phase when somebody says so, by `schedule.advance()`.

    `Schedule.advance_on` lets a file or a signal say so. Every phase can be
    ended in this way; this condition is for one that nothing else ends.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.Phase("head", until=kt.schedules.Manual()).until
    Manual()
    """


@dataclasses.dataclass(frozen=True)
class Plateau:
    """Ends a phase when a metric has stopped improving.

    The count begins anew with each phase, as the loss jumps when the penalties
    of thawed layers join it.

    Args:
        monitor: Name in the logs. Defaults to `"val_loss"`.
        patience: Number of epochs in a row without improvement, as for
            `keras.callbacks.EarlyStopping`; at least 1. Defaults to 2.
        min_delta: Smallest change that counts as improvement. Defaults to 0.
        mode: `"min"`, `"max"` or `"auto"`: as the metric says that the model
            was compiled with, and losses fall. A value that another callback
            adds to the logs rises, unless its name ends in "loss" or "error"
            or is that of a metric of Keras that falls. Defaults to `"auto"`.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.Plateau("val_accuracy", patience=3).mode
    'auto'
    """

    monitor: str = "val_loss"
    patience: int = 2
    min_delta: float = 0.0
    mode: str = "auto"

    def __post_init__(self):
        check_whole_number("patience", self.patience, 1, owner="Plateau")
        monitoring.check_mode(self.mode)
        check_metric("`monitor` of Plateau", self.monitor)
        check_number("`min_delta` of Plateau", self.min_delta)
        if self.min_delta < 0:
            raise ValueError(
                "`min_delta` of Plateau must not be negative. Received: "
                f"{self.min_delta!r}."
            )


@dataclasses.dataclass(frozen=True)
class Threshold:
    """Ends a phase when a metric has reached a value.

    Args:
        monitor: Name in the logs.
        value: The value to reach.
        mode: `"min"` to fall to it, `"max"` to rise to it, or `"auto"`, as
            for `Plateau`. Defaults to `"auto"`.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.Threshold("val_accuracy", 0.9)
    Threshold(monitor='val_accuracy', value=0.9, mode='auto')
    """

    monitor: str
    value: float
    mode: str = "auto"

    def __post_init__(self):
        monitoring.check_mode(self.mode)
        check_metric("`monitor` of Threshold", self.monitor)
        check_number("`value` of Threshold", self.value)


_KINDS = (Epochs, AtEpoch, Steps, Manual, Plateau, Threshold)
Condition = (
    Epochs
    | AtEpoch
    | Steps
    | Manual
    | Plateau
    | Threshold
    | Callable[[int, Mapping[str, Any]], bool]
)
# Several conditions: the first that is met ends the phase.
Until = Condition | tuple[Condition, ...] | None


def conditions(until: Until) -> tuple[Condition, ...]:
    """Returns the conditions, any of which ends a phase.

    Raises:
        TypeError: For an object that is no condition.
    """
    if until is None:
        return ()
    several = until if isinstance(until, (tuple, list)) else (until,)
    for condition in several:
        if isinstance(condition, type) or not (
            isinstance(condition, _KINDS) or callable(condition)
        ):
            raise TypeError(
                "`until` must be Epochs, AtEpoch, Steps, Plateau, Threshold, "
                "Manual, a function of (epoch, logs), a tuple of these, or "
                "None. "
                f"Received: {condition!r}. A number of epochs is "
                "`Epochs(3)`, the index of an epoch `AtEpoch(3)`."
            )
    return tuple(several)


def check_number(what: str, value: Any) -> None:
    """Raises `TypeError` if an argument is no number.

    Args:
        what: What to call it in the message.
        value: What was passed.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number. Received: {value!r}.")


def check_metric(what: str, value: Any) -> None:
    """Raises `TypeError` if an argument cannot be the name of a metric.

    Args:
        what: What to call it in the message.
        value: What was passed.
    """
    if not isinstance(value, str) or not value:
        raise TypeError(
            f"{what} must be the name of a metric, such as 'val_loss'. "
            f"Received: {value!r}."
        )
