"""The end of a training whose loss is not a number any more."""

import math

import keras


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with an error when the loss is NaN or infinite.

    `fit` of a model that `kt.compile_for_transfer` compiled and `kt.fit` have
    one by themselves, unless `callbacks` holds a `TerminateOnNaN`. Prefer it
    to that one, which ends `fit` as if all was well: here other callbacks
    keep what they need to resume.

    Raises:
        ValueError: After the first batch with such a loss.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((1,)), keras.layers.Dense(1)], name="tiny")
    >>> model.compile("sgd", "mse")
    >>> model.fit(np.array([[np.nan]]), np.ones(1), verbose=0,
    ...           callbacks=[StopOnNaN()])
    Traceback (most recent call last):
    ...
    ValueError: The loss of 'tiny' became nan in epoch 1, batch 1, and \
its weights are lost. Load a checkpoint or build the model again; lower the \
learning rate, now 0.01, and look for NaN in the data.
    """

    # Batches may go on meanwhile: the error comes a few of them later then.
    async_safe = True

    def on_train_begin(self, logs=None):
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        optimizer = self.model.optimizer
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        raise ValueError(
            f"The loss of {self.model.name!r} became {float(loss)} in epoch "
            f"{self._epoch + 1}, batch {batch + 1}, and its weights are lost. "
            "Load a checkpoint or build the model again; lower the learning "
            f"rate, now {rate:g}, and look for NaN in the data."
        )
