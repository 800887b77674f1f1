"""Callbacks that keep a training from being lost."""

from keras_transfer.callbacks.safe_checkpoint import SafeCheckpoint
from keras_transfer.callbacks.stop_on_nan import StopOnNaN

__all__ = ["SafeCheckpoint", "StopOnNaN"]
