"""The place of a schedule among the callbacks of one `fit`."""

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
