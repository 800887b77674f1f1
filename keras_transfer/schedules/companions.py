"""The place of a schedule among the callbacks of one `fit`."""

import copy
import math
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.callbacks.safe_checkpoint import SafeCheckpoint
from keras_transfer.callbacks.training_history import RecordHistory


class Companion(keras.callbacks.Callback):
    """Speaks for a schedule once the other callbacks have spoken.

    Args:
        schedule: The schedule.
    """

    def __init__(self, schedule: Any):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        self.schedule.check_optimizer()

    def on_epoch_end(self, epoch, logs=None):
        self.schedule.conclude_epoch(epoch, logs)


class WholeFit:
    """What an `EarlyStopping` would keep if it did not begin anew.

    With each phase it counts anew, and compares with epochs of the phase only;
    but the epoch that it gives back is the best one of all phases.

    Args:
        stopper: The callback.
    """

    def __init__(self, stopper: keras.callbacks.EarlyStopping):
        self._stopper = stopper
        # One that goes on through all phases and never stops.
        self._whole = copy.copy(stopper)
        self._whole.patience = math.inf
        self._whole.on_train_begin()

    def end_epoch(self, epoch: int, logs: Mapping[str, Any] | None) -> None:
        """Notes an epoch, after the callback has."""
        whole, stopper = self._whole, self._stopper
        whole.on_epoch_end(epoch, logs)
        if whole.best_epoch == stopper.best_epoch:
            # One copy is enough, and no callback in between has changed it.
            whole.best_weights = stopper.best_weights

    def hand_over(self) -> None:
        """Gives the callback the best epoch, before it restores the weights."""
        for name in ("best", "best_epoch", "best_weights"):
            setattr(self._stopper, name, getattr(self._whole, name))


def join(schedule: Any, family: type) -> list[keras.callbacks.Callback]:
    """Puts a schedule in its place, whatever the order it was passed in.

    First comes the progress bar, which is long enough as it is; then the
    schedule, so that what it adds to the logs reaches all loggers; then the
    others in their order; then its companion, which sees what they added to
    the logs and whether `EarlyStopping` wants to stop; then the one that
    records the history, added where there is none; at the end those that
    save, so that they save what was decided. Keras has no priorities for
    this; `compat.calling_callback_list` says what else was tried.

    Args:
        schedule: A callback whose `set_model` is being called.
        family: Class of which only one member may take part.

    Returns:
        The other callbacks; none where there is no `CallbackList`.

    Raises:
        ValueError: If there are two schedules.
    """
    members = compat.calling_callback_list(schedule)
    if members is None:
        return []
    others = [
        callback
        for callback in members.callbacks
        if callback is not schedule and not isinstance(callback, Companion)
    ]
    rivals = [other for other in others if isinstance(other, family)]
    if rivals:
        raise ValueError(
            "Expected one schedule in `callbacks`. Received: "
            f"{type(schedule).__name__} and {type(rivals[0]).__name__}. Write "
            "one FreezeSchedule with the phases of both."
        )
    savers = [c for c in others if isinstance(c, _SAVERS)]
    bars = [c for c in others if isinstance(c, _BARS)]
    recorders = [c for c in others if isinstance(c, RecordHistory)]
    placed = (*_SAVERS, *_BARS, RecordHistory)
    rest = [c for c in others if not isinstance(c, placed)]
    companion = Companion(schedule)
    recorders = recorders or [RecordHistory()]
    for added in (companion, *recorders):
        added.set_model(schedule.model)
    # A new list: the old one is being iterated over. `CallbackList.append`,
    # the public way, knows no place but the last.
    members.callbacks = [
        *(*bars, schedule, *rest, companion),
        *(*recorders, *savers),
    ]
    return others


_SAVERS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.ModelCheckpoint,
    SafeCheckpoint,
)
_BARS = (keras.callbacks.ProgbarLogger,)
