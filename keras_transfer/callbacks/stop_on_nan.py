"""The end of a training whose loss is no longer a number."""

import math

import keras


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
        if loss is not None:
            where = f", batch {batch + 1}"
            check_loss(self.model, "loss", loss, self._epoch, where)


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
