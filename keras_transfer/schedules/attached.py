"""The schedule that belongs to a model."""

from typing import Any

import keras

from keras_transfer.optimizer.adoption import is_wrapped
from keras_transfer.optimizer.adoption import unwrap_optimizer
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure import model_info


def of(model: keras.Model) -> Schedule | None:
    """Returns the schedule that a model was last trained with.

    It is found after loading, too: in the state of the optimizer, or in the
    model's `ModelInfo` where the model was saved without its optimizer.

    Args:
        model: Any Keras model.

    Returns:
        A new schedule with the same arguments; `None` if there was none.

    Raises:
        ValueError: If the schedule held a function, which no file can hold.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> from keras_transfer.schedules import LinearProbe
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile("adam", loss="mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 2))
    >>> history = model.fit(x, y, verbose=0, callbacks=[LinearProbe()])
    >>> type(kt.schedules.of(model)).__name__
    'LinearProbe'
    """
    state: dict[str, Any] = {}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and is_wrapped(optimizer):
        state = unwrap_optimizer(optimizer).memory.schedule_state
    if "schedule" in state and state["schedule"] is None:
        raise ValueError(
            f"The schedule of {model.name!r} held a function, which cannot be "
            "saved. Make the schedule again as it was made for training."
        )
    data = state.get("schedule") or (model_info.find(model) or {}).get(
        "schedule"
    )
    return None if data is None else Schedule.from_data(data)
