"""The freeze boundaries that schedules will come to."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_transfer.features import boundary
from keras_transfer.freezing import freezing
from keras_transfer.schedules.plan import plan
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure.graph import FlatModel


def coming_boundaries(
    model: keras.Model,
    flat: FlatModel,
    callbacks: Iterable[Any],
    epochs: int | None,
) -> list[tuple[bool, ...]]:
    """Tells what is settled in each phase of a training, in their order.

    Args:
        model: The model, which is left as it is.
        flat: The same as a list of steps.
        callbacks: Those of the training; schedules among them are asked.
        epochs: Number of epochs of training.

    Returns:
        For each phase what `settled_steps` will say then.
    """
    found = []
    for callback in callbacks:
        if isinstance(callback, Schedule):
            for planned in plan(model, callback.phases_for(model, epochs)):
                with freezing.flags_kept(model):
                    planned.set_flags(model)
                    found.append(boundary.settled_steps(flat))
    return list(dict.fromkeys(found))
