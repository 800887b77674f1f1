"""What keeps a training from being cached without a change of its results."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras
from rich import filesize

from keras_transfer import compat
from keras_transfer.features import boundary
from keras_transfer.features.budget import Room
from keras_transfer.features.budget import choose
from keras_transfer.features.budget import size_of
from keras_transfer.features.rows import Rows
from keras_transfer.features.steps import flatten
from keras_transfer.schedules.schedule import Schedule


def find_obstacle(
    model: keras.Model,
    sources: Sequence[Rows | str],
    callbacks: Any,
    room: Room,
) -> str | None:
    """Says in a clause why a training cannot be cached; `None` if it can.

    Args:
        model: A compiled model.
        sources: What `rows_of` says of the data.
        callbacks: What `fit` takes.
        room: Where features may be kept.
    """
    return (
        _of_model(model)
        or _of_compilation(model, room)
        or next((f"{s}" for s in sources if isinstance(s, str)), None)
        or _of_callbacks(callbacks)
        or _of_sizes(model, sources, callbacks or (), room)
    )


def _of_model(model):
    # On JAX all features would be constants of the compiled step; on torch
    # Keras insists on the model's own inputs before the first step.
    if keras.backend.backend() != "tensorflow":
        return "it works on the TensorFlow backend alone"
    if not compat.is_graph(model):
        return f"{model.name!r} has no graph that could be divided"
    for name in ("train_step", "test_step", "compute_loss"):
        own = inspect.getattr_static(model, name)
        if own is not inspect.getattr_static(keras.Model, name):
            return f"{type(model).__name__} has a {name} of its own"
    strategy = getattr(model, "distribute_strategy", None)
    if getattr(strategy, "num_replicas_in_sync", 1) > 1:
        return "several devices share the training"
    return None


def _of_compilation(model, room):
    if not room.memory and model.jit_compile:
        # XLA has no operation that reads a file.
        return (
            "XLA compiles the steps, which cannot read from a disk then: "
            "compile with jit_compile=False, or keep the features in memory"
        )
    return None


def _of_callbacks(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return "the callbacks come as a CallbackList, not as a list"
    return None


def _of_sizes(model, sources, callbacks, room):
    flat = flatten(model)
    changes = any(isinstance(callback, Schedule) for callback in callbacks)
    try:
        split = choose(model, flat, sources, room)
    except ValueError as error:
        return str(error)
    if not split.computes_something and not changes:
        return "nothing is frozen before the first layer that trains"
    images = size_of(boundary.uncut(flat), sources)
    if changes and not room.fits(images):
        # What a later phase freezes may be larger than what there is room for.
        return f"the photographs take {filesize.decimal(images)}, and {room}"
    return None
