"""How far a schedule has come, by which it decides what ends."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import Epochs
from keras_transfer.schedules.until import Plateau
from keras_transfer.schedules.until import Steps
from keras_transfer.schedules.until import Threshold
from keras_transfer.schedules.until import conditions

_SCORES = ("acc", "auc", "f1", "precision", "recall", "iou", "score")


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


def monitors(phase: Phase) -> set[str]:
    """Returns the names of the metrics that a phase needs to see."""
    names = {
        condition.monitor
        for condition in conditions(phase.until)
        if isinstance(condition, (Plateau, Threshold))
    }
    return names | ({phase.restore_best} if phase.restore_best else set())


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
    phase: Phase, progress: Progress, epoch: int, logs: Mapping[str, Any]
) -> bool:
    """Whether a phase ends with an epoch; counts that epoch.

    Args:
        phase: The current phase.
        progress: Its counters, which are updated.
        epoch: The epoch that has ended.
        logs: Its metrics.

    Raises:
        ValueError: If a metric is missing.
    """
    progress.phase_epochs += 1
    # All are asked, so that each keeps its count.
    answers = [
        _is_met(condition, str(position), progress, epoch, logs)
        for position, condition in enumerate(conditions(phase.until))
    ]
    return any(answers)


def is_past(phase: Phase, epoch: int) -> bool:
    """Whether a phase should have ended before an epoch that is to begin."""
    return any(
        isinstance(condition, AtEpoch) and condition.epoch <= epoch
        for condition in conditions(phase.until)
    )


def _is_met(condition, key, progress, epoch, logs):
    if isinstance(condition, Epochs):
        return progress.phase_epochs >= condition.count
    if isinstance(condition, AtEpoch):
        return epoch + 1 >= condition.epoch
    if isinstance(condition, Steps):
        return progress.phase_steps >= condition.count
    if isinstance(condition, Threshold):
        value = read(logs, condition.monitor)
        if rises(condition.monitor, condition.mode):
            return value >= condition.value
        return value <= condition.value
    if isinstance(condition, Plateau):
        return _has_stalled(condition, key, progress, logs)
    return bool(condition(epoch, logs))


def _has_stalled(plateau, key, progress, logs):
    value = read(logs, plateau.monitor)
    is_first = key not in progress.waits
    if is_first:  # Nothing to compare with, even if the value is NaN.
        progress.waits[key] = 0
    if improved(
        value,
        progress.best.get(key),
        plateau.monitor,
        plateau.mode,
        plateau.min_delta,
    ):
        progress.best[key] = value
        progress.waits[key] = 0
        return False
    if is_first:
        return False
    progress.waits[key] += 1
    return progress.waits[key] >= plateau.patience


def rises(monitor: str, mode: str = "auto") -> bool:
    """Whether a metric improves by rising.

    Args:
        monitor: Name of the metric.
        mode: `"min"`, `"max"`, or `"auto"`: by the name.

    Example:
    >>> rises("val_accuracy"), rises("val_loss"), rises("mae")
    (True, False, False)
    """
    if mode != "auto":
        return mode == "max"
    return any(score in monitor.lower() for score in _SCORES)


def read(logs: Mapping[str, Any] | None, monitor: str) -> float:
    """Returns the value of a metric.

    Raises:
        ValueError: If the logs of the epoch do not hold it.
    """
    logs = logs or {}
    if monitor not in logs:
        hint = ""
        if monitor.startswith("val_"):
            hint = " Pass `validation_data` to `fit`, for every epoch."
        raise ValueError(
            f"The schedule waits for the metric {monitor!r}, which the epoch "
            f"did not report. Expected one of {sorted(logs)}.{hint}"
        )
    return float(logs[monitor])


def improved(
    value: float,
    best: float | None,
    monitor: str,
    mode: str = "auto",
    min_delta: float = 0.0,
) -> bool:
    """Whether a value is better than the best so far; NaN never is.

    Args:
        value: The new value.
        best: The best so far, or `None`.
        monitor: Name of the metric.
        mode: Direction of improvement.
        min_delta: Smallest change that counts.
    """
    if value != value:
        return False
    if best is None:
        return True
    if rises(monitor, mode):
        return value > best + min_delta
    return value < best - min_delta
