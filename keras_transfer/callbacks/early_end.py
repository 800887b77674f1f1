"""The end of a training before its last epoch, and what is said of it."""

import math
import sys
from collections.abc import Sequence

import keras
import numpy as np

from keras_transfer.callbacks import monitoring


class NaNLossError(ValueError):
    """The loss of a training became NaN or infinite.

    Attributes:
        epoch: Number of the epoch in which it did, counted from 1.
    """

    __module__ = "keras_transfer"  # Its public place, for tracebacks.

    epoch: int | None = None


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with an error when the loss is NaN or infinite.

    `kt.fit` and the `fit` of models that `kt.compile_for_transfer` compiled
    add one by themselves, unless `callbacks` holds a `TerminateOnNaN`. Prefer
    it to that one, which ends `fit` without an error and lets other callbacks
    delete what they would need to resume.

    Raises:
        NaNLossError: After the first batch with such a loss.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((1,)), keras.layers.Dense(1)], name="tiny")
    >>> model.compile("sgd", "mse")
    >>> model.fit(np.array([[np.nan]]), np.ones(1), verbose=0,
    ...           callbacks=[kt.callbacks.StopOnNaN()])
    Traceback (most recent call last):
    ...
    keras_transfer.NaNLossError: The loss of 'tiny' became nan in epoch 1, \
batch 1. Go on from the weights of an earlier epoch, or build the model again; \
lower the learning rate, now 0.01, and look for NaN in the data.
    """

    # Batches may continue meanwhile; the error then comes a few batches later.
    async_safe = True

    def on_train_begin(self, logs=None):
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        # `self.model` fetches all weights on JAX, also those of a step that
        # runs meanwhile: it is for the error alone.
        if loss is not None and not math.isfinite(loss):
            where = f", batch {batch + 1}"
            check_loss(self.model, "loss", loss, self._epoch, where)


class ReportEnd(keras.callbacks.Callback):
    """Says what has ended training before its last epoch.

    The sentence goes to stderr, unless `fit` is told to be silent, and becomes
    `ended_by` of the history that `fit` returns, which is `None` otherwise.
    Where an `EarlyStopping` stopped because a metric is NaN, it warns as well.

    Args:
        others: The other callbacks of the same `fit`.
    """

    # It does nothing after batches.
    async_safe = True

    def __init__(self, others: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self._others = others

    def on_train_begin(self, logs=None):
        self._trained = self._loss = None
        self._is_nan = {}

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self._trained, self._loss = epoch + 1, logs.get("loss")
        for name in {getattr(c, "monitor", None) for c in self._others}:
            if name in logs and np.size(logs[name]) == 1:
                figure = float(np.ravel(monitoring.plain(logs[name]))[0])
                self._is_nan[name] = math.isnan(figure)

    def on_train_end(self, logs=None):
        history, epochs = self.model.history, self.params.get("epochs")
        if self._trained is None or epochs is None or self._trained >= epochs:
            history.ended_by = None
            return
        history.ended_by = (
            f"Training ended after {self._trained} of {epochs} epochs: "
            f"{self._reason()}"
        )
        if self.params.get("verbose"):
            print(history.ended_by, file=sys.stderr)

    def _reason(self):
        for callback in self._others:
            if isinstance(callback, keras.callbacks.EarlyStopping) and (
                callback.stopped_epoch == self._trained - 1 > 0
            ):
                name = callback.monitor
                if self._is_nan.get(name):
                    monitoring.warn_if_nan(
                        math.nan,
                        name,
                        "so that EarlyStopping ended training after "
                        f"{self._trained} epochs",
                    )
                    return f"EarlyStopping stopped it, as {name!r} is NaN."
                return (
                    f"EarlyStopping stopped it, as {name!r} has not improved "
                    f"for {callback.wait} epochs."
                )
        if self._loss is not None and not math.isfinite(self._loss):
            return f"the loss became {float(self._loss)}."
        names = [type(callback).__name__ for callback in self._others]
        for callback, name in zip(self._others, names, strict=True):
            if getattr(callback, "has_ended_training", False):
                return f"the last phase of {name} was over."
        return f"`stop_training` was set; `callbacks` were {names}."


def check_loss(
    model: keras.Model, name: str, value: float, epoch: int, where: str = ""
) -> None:
    """Raises if a loss is not finite.

    Args:
        model: The model that is being trained.
        name: What the loss is called in the logs.
        value: The loss.
        epoch: The epoch, from 0.
        where: Place within the epoch, as it follows its number.

    Raises:
        NaNLossError: With the learning rate.
    """
    if math.isfinite(value):
        return
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    error = NaNLossError(
        f"The {name} of {model.name!r} became {float(value)} in epoch "
        f"{epoch + 1}{where}. Go on from the weights of an earlier epoch, or "
        f"build the model again; lower the learning rate, now {rate:g}, and "
        "look for NaN in the data."
    )
    error.epoch = epoch + 1
    raise error
