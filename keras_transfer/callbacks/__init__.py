"""Callbacks that protect a training against NaN, kills and interruptions."""

from keras_transfer.callbacks.safe_checkpoint import SafeCheckpoint
from keras_transfer.callbacks.stop_on_nan import StopOnNaN

__all__ = ["SafeCheckpoint", "StopOnNaN"]
