"""State of training that is kept so that it can come back."""

import contextlib
import random
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.callbacks import monitoring
from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import stock_state
from keras_transfer.schedules import ending
from keras_transfer.schedules.ending import Progress
from keras_transfer.schedules.phase import Phase
from keras_transfer.structure import freeze_state

_WEIGHT, _STATE = "weights/", "optimizer/"


def note_epoch(
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
    mode = ending.mode_of_best(phase)
    is_rising = monitoring.rises(phase.restore_best, mode, model)
    if monitoring.improved(value, progress.best_of_phase, is_rising):
        progress.best_of_phase = value
        optimizer.memory.arrays = _snapshot(model, optimizer)


def restore_best(model: keras.Model, optimizer: TransferOptimizer) -> None:
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


def capture_random_state(model: keras.Model) -> dict[str, Any]:
    """Returns the state of all generators as JSON data.

    Keras saves neither the seeds of dropout nor the order of shuffling, so a
    resumed run differs from an uninterrupted one without this.

    Covered are the seed generators of the model's layers and the global
    generators of NumPy, Python and, on the torch backend, torch. TensorFlow
    derives the order of `Dataset.shuffle` from its global seed, which has no
    readable state: call `keras.utils.set_random_seed` with the same seed
    before each run.

    Args:
        model: A built model.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5)])
    >>> state = capture_random_state(model)
    >>> before = np.random.rand()
    >>> restore_random_state(model, state)
    >>> np.random.rand() == before
    True
    """
    kind, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss = random.getstate()
    state = {
        "seed_generators": [
            ops.convert_to_numpy(seed).tolist() for seed in _seeds(model)
        ],
        "numpy": [kind, keys.tolist(), position, has_gauss, cached],
        "python": [version, list(internal), gauss],
    }
    torch_random = compat.torch_random()
    if torch_random is not None:
        state["torch"] = torch_random.get_rng_state().tolist()
    return state


def restore_random_state(model: keras.Model, state: dict[str, Any]) -> None:
    """Sets all generators to a captured state.

    Args:
        model: A model with as many seed generators as the captured one.
        state: What `capture_random_state` returned.

    Raises:
        ValueError: If the model has another number of seed generators.
    """
    seeds = _seeds(model)
    values = state["seed_generators"]
    if len(values) != len(seeds):
        raise ValueError(
            f"The random state was captured with {len(values)} seed "
            f"generators, but the model {model.name!r} has {len(seeds)}. "
            "Build the model with the same random layers (dropout, "
            "augmentation) as when the state was captured."
        )
    for seed, value in zip(seeds, values, strict=True):
        seed.assign(np.array(value, dtype=seed.dtype))
    kind, keys, position, has_gauss, cached = state["numpy"]
    keys = np.array(keys, dtype="uint32")
    np.random.set_state((kind, keys, position, has_gauss, cached))
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    torch_random = compat.torch_random()
    # A run may be resumed on another backend; it has no torch state then.
    if torch_random is not None and "torch" in state:
        bytes_ = torch_random.get_rng_state().new_tensor(state["torch"])
        torch_random.set_rng_state(bytes_)


def _seeds(model):
    # `variables` is `weights` plus the states of seed generators.
    weights = {id(weight) for weight in model.weights}
    return [v for v in model.variables if id(v) not in weights]


@contextlib.contextmanager
def given_back(model: keras.Model) -> Iterator[None]:
    """Leaves a model as it was before a block that trains it.

    Values, flags, metrics, compiled steps and random states come back, and
    the very optimizer: give the model another one in the block.

    Args:
        model: A compiled and built model.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile("adam", "mse")
    >>> with given_back(model):
    ...     _ = model.layers[0].bias.assign([1.0, 2.0])
    >>> keras.ops.convert_to_numpy(model.layers[0].bias)
    array([0., 0.], dtype=float32)
    """
    variables = [*model.variables, *_of_metrics(model)]
    values = [np.array(ops.convert_to_numpy(v)) for v in variables]
    generators = capture_random_state(model)
    ended, history = model.stop_training, getattr(model, "history", None)
    steps = model.steps_per_execution
    if keras.backend.backend() == "jax":
        # After an average of weights, Keras's optimizer shares the buffers of
        # the model, which the next step gives away: the model gets its own.
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    with compat.optimizer_kept(model), freeze_state.flags_kept(model):
        try:
            yield
        finally:
            if keras.backend.backend() == "jax":
                model.jax_state_sync()
            model.reset_metrics()
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            restore_random_state(model, generators)
            model.stop_training, model.history = ended, history
            model.steps_per_execution = steps


def _of_metrics(model):
    return [v for metric in model.metrics for v in metric.variables]
