"""Freeze schedules: callbacks that decide what trains, and when."""

from keras_transfer.schedules.linear_probe import LinearProbe

__all__ = ["LinearProbe"]
