"""The decision whether a phase is over."""

from collections.abc import Mapping
from typing import Any

from keras_transfer.schedules import monitoring
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.progress import Progress
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import Epochs
from keras_transfer.schedules.until import Plateau
from keras_transfer.schedules.until import Steps
from keras_transfer.schedules.until import Threshold
from keras_transfer.schedules.until import conditions


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
        value = monitoring.read(logs, condition.monitor)
        if monitoring.rises(condition.monitor, condition.mode):
            return value >= condition.value
        return value <= condition.value
    if isinstance(condition, Plateau):
        return _has_stalled(condition, key, progress, logs)
    return bool(condition(epoch, logs))


def _has_stalled(plateau, key, progress, logs):
    value = monitoring.read(logs, plateau.monitor)
    is_first = key not in progress.waits
    if is_first:  # Nothing to compare with, even if the value is NaN.
        progress.waits[key] = 0
    if monitoring.improved(
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
