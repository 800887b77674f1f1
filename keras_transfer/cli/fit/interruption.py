"""Ctrl-C during training, handled when the model is in a consistent state."""

import os
import signal
import threading

import keras

_MESSAGE = b"\nStopping after this batch; Ctrl-C again stops at once.\n"


class StopOnInterrupt(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` when the current batch has ended.

    It may be a batch of training, of validation, or of `kt.fit` computing
    features.

    Python would raise it anywhere: inside TensorFlow's tracing it has crashed
    the process, and with JAX the weights may be incomplete. A second Ctrl-C
    raises it at once.

    Example:
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with StopOnInterrupt() as stop:
    ...     history = model.fit(
    ...         np.eye(2), np.ones(2), verbose=0, callbacks=[stop])
    """

    def __init__(self):
        super().__init__()
        self._is_asked = False
        self._previous = None

    def __enter__(self):
        self._is_asked = False
        # Only the main thread may set a signal handler.
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *exception):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def on_train_batch_end(self, batch, logs=None):
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        self._stop_if_asked()

    def on_features_batch_end(self, rows):
        self._stop_if_asked()

    def _ask(self, number, frame):
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True
        # Not `print`, which is not reentrant.
        os.write(2, _MESSAGE)

    def _stop_if_asked(self):
        if self._is_asked:
            raise KeyboardInterrupt
