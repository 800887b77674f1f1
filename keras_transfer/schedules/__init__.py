"""Freeze schedules: callbacks that decide what trains, and when."""

from keras_transfer import names
from keras_transfer.callbacks import monitoring as monitoring
from keras_transfer.schedules.chain_thaw import ChainThaw
from keras_transfer.schedules.freeze_out import FreezeOut
from keras_transfer.schedules.freeze_schedule import FreezeSchedule
from keras_transfer.schedules.freeze_schedule import of
from keras_transfer.schedules.freeze_window import FreezeWindow
from keras_transfer.schedules.gradual_unfreeze import GradualUnfreeze
from keras_transfer.schedules.linear_probe_then_fine_tune import LinearProbe
from keras_transfer.schedules.linear_probe_then_fine_tune import (
    LinearProbeThenFineTune,
)
from keras_transfer.schedules.phase import LayerDecay
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.unfreeze_on_plateau import UnfreezeOnPlateau
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import Epochs
from keras_transfer.schedules.until import Manual
from keras_transfer.schedules.until import Plateau
from keras_transfer.schedules.until import Steps
from keras_transfer.schedules.until import Threshold

__all__ = [
    "AtEpoch",
    "ChainThaw",
    "Epochs",
    "FreezeOut",
    "FreezeSchedule",
    "FreezeWindow",
    "GradualUnfreeze",
    "LayerDecay",
    "LinearProbe",
    "LinearProbeThenFineTune",
    "Manual",
    "Phase",
    "Plateau",
    "Schedule",
    "Steps",
    "Threshold",
    "UnfreezeOnPlateau",
    "of",
]


def __getattr__(name):
    if name == "ManualPhases":
        names.warn_renamed("ManualPhases", "FreezeSchedule")
        return FreezeSchedule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
