"""How far a schedule has come, by which it decides what ends."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer.callbacks import monitoring
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import Epochs
from keras_transfer.schedules.until import Manual
from keras_transfer.schedules.until import Plateau
from keras_transfer.schedules.until import Steps
from keras_transfer.schedules.until import Threshold
from keras_transfer.schedules.until import conditions


@dataclasses.dataclass
class Progress:
    """All that a schedule must know to go on as if never interrupted.

    JSON data, which travels with the optimizer in every kind of file.

    Args:
        schedule: The schedule as data; `None` if it holds functions.
        phase: Position of the current phase.
        epochs: Number of epochs of training that are over.
        phase_epochs: Number of those that belong to the phase.
        phase_steps: Number of steps since the phase began, where the phase
            counts steps.
        best: Best value that each condition of the phase has seen, by its
            position.
        waits: Epochs since then.
        best_of_phase: Best value of the metric that `restore_best` names.
        restore: Whether the best epoch of the phase before is to come back
            when this one begins.
        fixed: Positions in `model.weights` of what must never train.
        random: State of the random generators at the end of the last epoch.
        advanced: The epochs with which a phase was ended by hand.
    """

    schedule: dict[str, Any] | None = None
    phase: int = 0
    epochs: int = 0
    phase_epochs: int = 0
    phase_steps: int = 0
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    waits: dict[str, int] = dataclasses.field(default_factory=dict)
    best_of_phase: float | None = None
    restore: bool = False
    fixed: list[int] = dataclasses.field(default_factory=list)
    random: dict[str, Any] = dataclasses.field(default_factory=dict)
    advanced: list[int] = dataclasses.field(default_factory=list)

    def advance(self) -> None:
        """Goes on to the next phase, where every count begins anew."""
        self.phase += 1
        self.phase_epochs = self.phase_steps = 0
        self.best, self.waits = {}, {}
        self.best_of_phase = None

    def to_json(self) -> dict[str, Any]:
        """Returns a copy of everything as JSON data."""
        # `asdict` would copy the random state number by number, which takes
        # longer than to train a head on a batch; nobody changes it in place.
        return {name: copy.copy(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Progress":
        """Returns the progress that `to_json` described."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in data.items() if k in names})


def monitored(phase: Phase) -> dict[str, str]:
    """Returns the metrics that a phase needs to see, each with its mode."""
    modes = {
        condition.monitor: condition.mode
        for condition in conditions(phase.until)
        if isinstance(condition, (Plateau, Threshold))
    }
    if phase.restore_best is not None:
        modes[phase.restore_best] = mode_of_best(phase)
    return modes


def mode_of_best(phase: Phase) -> str:
    """Returns the mode of `restore_best`: its own, or that of `until`."""
    if phase.restore_best_mode != "auto":
        return phase.restore_best_mode
    modes = [
        condition.mode
        for condition in conditions(phase.until)
        if isinstance(condition, (Plateau, Threshold))
        and condition.monitor == phase.restore_best
    ]
    return next((mode for mode in modes if mode != "auto"), "auto")


def counts_steps(phase: Phase) -> bool:
    """Whether the phase may end inside an epoch."""
    return any(isinstance(c, Steps) for c in conditions(phase.until))


def steps_are_over(phase: Phase, progress: Progress) -> bool:
    """Whether enough steps were taken."""
    return any(
        isinstance(condition, Steps) and progress.phase_steps >= condition.count
        for condition in conditions(phase.until)
    )


def is_over(
    phase: Phase,
    progress: Progress,
    epoch: int,
    logs: Mapping[str, Any],
    model: keras.Model,
) -> bool:
    """Whether a phase ends with an epoch; counts that epoch.

    Args:
        phase: The current phase.
        progress: Its counters, which are updated.
        epoch: The epoch that has ended.
        logs: Its metrics.
        model: The model, whose metrics say which way they improve.

    Raises:
        ValueError: If a metric is missing.
    """
    progress.phase_epochs += 1
    # All are asked, so that each keeps its count.
    answers = [
        _is_met(condition, str(position), progress, epoch, logs, model)
        for position, condition in enumerate(conditions(phase.until))
    ]
    return any(answers)


def is_past(phase: Phase, epoch: int) -> bool:
    """Whether a phase should have ended before an epoch that is to begin."""
    return any(
        isinstance(condition, AtEpoch) and condition.epoch <= epoch
        for condition in conditions(phase.until)
    )


def _is_met(condition, key, progress, epoch, logs, model):
    if isinstance(condition, Epochs):
        return progress.phase_epochs >= condition.count
    if isinstance(condition, AtEpoch):
        return epoch + 1 >= condition.epoch
    if isinstance(condition, Steps):
        return progress.phase_steps >= condition.count
    if isinstance(condition, Manual):
        return False
    if isinstance(condition, (Threshold, Plateau)):
        value = monitoring.read(logs, condition.monitor)
        is_rising = monitoring.rises(condition.monitor, condition.mode, model)
        if isinstance(condition, Plateau):
            return _has_stalled(condition, key, progress, value, is_rising)
        limit = condition.value
        return value >= limit if is_rising else value <= limit
    return bool(condition(epoch, logs))


def _has_stalled(plateau, key, progress, value, is_rising):
    is_first = key not in progress.waits
    if is_first:  # Nothing to compare with, even if the value is NaN.
        progress.waits[key] = 0
    best = progress.best.get(key)
    if monitoring.improved(value, best, is_rising, plateau.min_delta):
        progress.best[key] = value
        progress.waits[key] = 0
        return False
    if is_first:
        return False
    progress.waits[key] += 1
    return progress.waits[key] >= plateau.patience
