"""The callback that keeps the weights of the best epoch."""

import math

import keras

from keras_transfer.callbacks import monitoring
from keras_transfer.callbacks.early_end import check_loss


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation accuracy.

    Of equally good epochs the one with the lower validation loss is the
    best; without validation data, training figures decide. A metric that is
    NaN counts as the worst, with a warning. A loss that is not finite ends
    the training. Prefer it to `EarlyStopping(restore_best_weights=True)` where
    `fit` may be interrupted: the weights are there from the end of the first
    epoch on, and `restore` works at any time. The weights are held in memory.

    Args:
        monitor: Name in the logs of another metric that decides. Defaults to
            `None`: the accuracy, or the loss of a model without one.
        mode: `"min"`, `"max"` or `"auto"`: as the metric says. Defaults to
            `"auto"`.

    Attributes:
        best: Number of the best epoch, counted from 1; `None` before the
            first epoch has ended.

    Raises:
        NaNLossError: At the end of an epoch whose loss or validation loss is
            not finite; the weights of the best epoch stay.
        ValueError: At the start of `fit`, if it is not known which way the
            metric improves; after an epoch that did not report it.

    Example:
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> best = BestEpoch()
    >>> history = model.fit(
    ...     np.eye(2), np.ones(2), epochs=3, verbose=0, callbacks=[best])
    >>> best.restore()
    >>> best.best
    3
    """

    def __init__(self, monitor: str | None = None, mode: str = "auto"):
        super().__init__()
        self.monitor = monitor
        self.mode = mode
        monitoring.check_mode(mode)
        self._forget()

    def on_train_begin(self, logs=None):
        self._forget()
        if self.monitor is not None:
            monitoring.rises(self.monitor, self.mode, self.model)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self.model.stop_training and not math.isfinite(logs.get("loss", 0)):
            return  # `TerminateOnNaN` ends training without an error.
        for name in ("loss", "val_loss"):
            check_loss(self.model, name, logs.get(name, 0), epoch)
        rank = self._rank_of(logs)
        if self._rank is None or rank > self._rank:
            weights = self.model.get_weights()
            # In one statement: Ctrl-C may fall between any two.
            self._weights, self._rank, self.best = weights, rank, epoch + 1

    def restore(self) -> None:
        """Gives the model the weights of its best epoch.

        Before the first epoch has ended it leaves the model as it is.
        """
        if self._weights is not None:
            self.model.set_weights(self._weights)

    def _forget(self):
        self.best = self._rank = self._weights = None
        self._has_warned = False

    def _rank_of(self, logs):
        prefix = "val_" if "val_loss" in logs else ""
        loss = -float(logs.get(f"{prefix}loss", 0.0))
        monitor = self.monitor
        if monitor is None:
            monitor = f"{prefix}accuracy"
            if monitor not in logs:
                return loss, loss
        value = monitoring.read(logs, monitor)
        if math.isnan(value):
            self._has_warned = self._has_warned or monitoring.warn_if_nan(
                value, monitor, "so that this epoch counts as the worst"
            )
            return -math.inf, loss  # NaN compares with nothing.
        is_rising = monitoring.rises(monitor, self.mode, self.model)
        return (value if is_rising else -value), loss
