"""The end of training by Ctrl-C, at a moment when the model is whole."""

import os
import signal
import threading

import keras

_MESSAGE = b"\nStopping after this batch; Ctrl-C again stops at once.\n"


class StopOnInterrupt(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` once the batch at work has ended.

    That may be one of training, of validation, or of `kt.fit` computing what
    is frozen.

    Python would raise it anywhere: inside TensorFlow's tracing that has been
    seen to crash the process, and with JAX the weights may be in transit. A
    second Ctrl-C raises it at once.

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
        # Python lets only the main thread say what a signal does.
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
        # Not print: a handler may run in the middle of another one.
        os.write(2, _MESSAGE)

    def _stop_if_asked(self):
        if self._is_asked:
            raise KeyboardInterrupt
