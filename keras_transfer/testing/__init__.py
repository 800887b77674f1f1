"""Conformance checks that authors of plugins call from their own tests."""

from keras_transfer.testing.backbones import check_backbone
from keras_transfer.testing.building import ConformanceError
from keras_transfer.testing.heads import check_head
from keras_transfer.testing.schedules import check_schedule

__all__ = [
    "ConformanceError",
    "check_backbone",
    "check_head",
    "check_schedule",
]
