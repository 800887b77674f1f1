"""Schedules that are given: as written phases, or by a trained model."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.optimizer.adoption import is_wrapped
from keras_transfer.optimizer.adoption import unwrap_optimizer
from keras_transfer.schedules import ending
from keras_transfer.schedules import timeline
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure import model_info


class FreezeSchedule(Schedule):
    """Trains a model in phases, in each of which other layers are frozen.

    Prefer it to the named schedules, which write such phases by themselves,
    when none of them says what you want.

    Args:
        phases: The phases in their order.

    Raises:
        TypeError: If an element is not a `Phase`.
        ValueError: If there are no phases or they overlap; at the start of
            `fit`, if they do not fit the model or one never begins.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> from keras_transfer.schedules import Epochs, Phase
    >>> schedule = kt.schedules.FreezeSchedule([
    ...     Phase("output", name="probe", until=Epochs(1)),
    ...     Phase("*", name="all", learning_rate_multiplier={"hidden": 0.1}),
    ... ])
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> model.compile("adam", loss="mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 2))
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [8, 23]

    Reference: [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(self, phases: Sequence[Phase]):
        super().__init__()
        self.phases = phases
        is_list = isinstance(phases, (list, tuple))
        for phase in phases if is_list else (phases,):
            if not isinstance(phase, Phase) or not is_list:
                raise TypeError(
                    "`phases` must be a list of Phase. Received: "
                    f"{phase!r} of type {type(phase).__name__}."
                )
        if not phases:
            raise ValueError("`phases` must hold at least one Phase.")
        timeline.starts(phases)

    def phases_for(self, model, epochs=None):
        return list(self.phases)

    @property
    def counts_steps(self):
        return any(ending.counts_steps(phase) for phase in self.phases)


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
    >>> schedule = LinearProbe(head="*")
    >>> history = model.fit(x, y, verbose=0, callbacks=[schedule])
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
