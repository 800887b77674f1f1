"""Callbacks that protect a training against NaN, kills and interruptions."""

from keras_transfer.callbacks.early_end import StopOnNaN
from keras_transfer.callbacks.safe_checkpoint import SafeCheckpoint

__all__ = ["SafeCheckpoint", "StopOnNaN"]
