"""The best epoch of a phase, kept to come back."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import stock_state
from keras_transfer.schedules import monitoring
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.progress import Progress

_WEIGHT, _STATE = "weights/", "optimizer/"


def note(
    model: keras.Model,
    optimizer: TransferOptimizer,
    phase: Phase,
    progress: Progress,
    logs: Mapping[str, Any],
) -> None:
    """Keeps weights and moments if this was the best epoch of the phase.

    They are kept on the optimizer and travel in its files, since a run that is
    resumed must be able to come back to an epoch before the interruption.
    """
    if phase.restore_best is None:
        return
    value = monitoring.read(logs, phase.restore_best)
    if monitoring.improved(value, progress.best_of_phase, phase.restore_best):
        progress.best_of_phase = value
        optimizer.memory.arrays = _snapshot(model, optimizer)


def restore(model: keras.Model, optimizer: TransferOptimizer) -> None:
    """Brings the best epoch back, all but learning rate and step count.

    A learning rate that was lowered meanwhile stays low, and a schedule of
    learning rates goes on.
    """
    memory, arrays = optimizer.memory, optimizer.memory.arrays
    for number, weight in enumerate(model.weights):
        weight.assign(arrays[f"{_WEIGHT}{number}"])
    own = {
        name: np.array(ops.convert_to_numpy(variable))
        for name, variable in stock_state.own_values(optimizer).items()
    }
    state = memory.schedule_state
    optimizer.load_own_variables(
        {
            name.removeprefix(_STATE): array
            for name, array in arrays.items()
            if name.startswith(_STATE)
        }
    )
    for name, variable in stock_state.own_values(optimizer).items():
        variable.assign(own[name])
    memory.schedule_state, memory.arrays = state, {}


def _snapshot(model, optimizer):
    memory = optimizer.memory
    state, store = memory.schedule_state, {}
    # Without what the schedule keeps there itself, this snapshot included.
    memory.schedule_state, memory.arrays = {}, {}
    optimizer.save_own_variables(store)
    memory.schedule_state = state
    weights = {
        f"{_WEIGHT}{number}": np.array(ops.convert_to_numpy(weight))
        for number, weight in enumerate(model.weights)
    }
    return {**weights, **{f"{_STATE}{k}": v for k, v in store.items()}}
