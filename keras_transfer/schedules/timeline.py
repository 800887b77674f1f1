"""When the phases of a schedule begin."""

import dataclasses
import math
from collections.abc import Sequence

from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import Epochs
from keras_transfer.schedules.until import Plateau
from keras_transfer.schedules.until import Steps
from keras_transfer.schedules.until import conditions


@dataclasses.dataclass(frozen=True)
class Start:
    """When a phase begins.

    Args:
        epoch: The epoch, counted from 0; the earliest one if it is not
            `certain`. A fraction where a phase begins inside an epoch.
        certain: Whether it does not depend on the course of training.
    """

    epoch: float
    certain: bool


def starts(
    phases: Sequence[Phase], steps_per_epoch: int | None = None
) -> list[Start]:
    """Returns when each phase begins, the end of the last one at the end.

    Args:
        phases: The phases in their order.
        steps_per_epoch: Number of batches in an epoch. Defaults to `None`:
            unknown.

    Raises:
        ValueError: If phases overlap, or if one has no end but is not the last.

    Example:
    >>> [s.epoch for s in starts([Phase("head", until=Epochs(3)), Phase("*")])]
    [0, 3, inf]
    """
    found = [Start(0, True)]
    for number, phase in enumerate(phases, start=1):
        start = found[-1]
        ends = [
            _end(condition, start, steps_per_epoch)
            for condition in conditions(phase.until)
        ]
        certain = start.certain and all(end.certain for end in ends)
        earliest = min((end.epoch for end in ends), default=math.inf)
        if not ends and number < len(phases):
            raise ValueError(
                f"Phase {number} lasts until the end of training, so that "
                f"phase {number + 1} would never begin. Give it an `until`, "
                "such as Epochs(3)."
            )
        if ends and earliest <= start.epoch and start.certain:
            raise ValueError(
                f"Phases overlap: phase {number} ends at epoch {earliest}, but "
                f"begins at epoch {start.epoch:g}. Order the phases in time."
            )
        found.append(Start(max(earliest, start.epoch), certain))
    return found


def check_reached(
    phases: Sequence[Phase], epochs: int, steps_per_epoch: int | None = None
) -> None:
    """Raises `ValueError` if a phase cannot begin within `epochs`."""
    begins = starts(phases, steps_per_epoch)[:-1]
    for number, start in enumerate(begins, start=1):
        if start.epoch >= epochs:
            when = "at epoch" if start.certain else "not before epoch"
            name = phases[number - 1].name
            title = f" ({name!r})" if name else ""
            raise ValueError(
                f"Phase {number}{title} never begins: it begins {when} "
                f"{math.ceil(start.epoch)}, counted from 0, but training has "
                f"{epochs} epochs. Train for longer, or shorten the phases "
                "before it."
            )


def phase_at(phases: Sequence[Phase], epoch: int) -> tuple[int, int]:
    """Returns which phase an epoch belongs to, as far as that is certain.

    A phase whose end depends on the course of training lasts as long as
    nothing is known of that course.

    Returns:
        `(position of the phase, epochs that it has lasted)`.
    """
    begins = starts(phases)
    current, since = 0, 0.0
    for position, start in enumerate(begins[:-1]):
        if start.certain and start.epoch <= epoch:
            current, since = position, start.epoch
    return current, epoch - int(since)


def _end(condition, start, steps_per_epoch):
    if isinstance(condition, Epochs):
        # A phase that begins inside an epoch counts the rest as an epoch.
        return Start(math.floor(start.epoch) + condition.count, True)
    if isinstance(condition, AtEpoch):
        return Start(condition.epoch, True)
    if isinstance(condition, Steps):
        if not steps_per_epoch:
            return Start(start.epoch + 1e-9, False)
        # Exact, since steps are counted on across epochs.
        return Start(start.epoch + condition.count / steps_per_epoch, True)
    if isinstance(condition, Plateau):
        # The first epoch of a phase always counts as an improvement.
        return Start(math.floor(start.epoch) + condition.patience + 1, False)
    return Start(math.floor(start.epoch) + 1, False)
