"""What others let travel with the optimizer."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass
class Memory:
    """A place on the optimizer for what belongs to the course of training.

    A plain object, since Keras would replace dictionaries that are assigned to
    the optimizer itself by ones that are tracked and cannot be written as JSON.

    Args:
        schedule_state: JSON data of a freeze schedule; it is saved and
            restored with the optimizer, in every kind of file.
        arrays: Arrays that belong to that state, saved with it.
        step_functions: What `transition` remembers between two calls; it is
            not saved.
    """

    schedule_state: dict[str, Any] = dataclasses.field(default_factory=dict)
    arrays: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    step_functions: Any = None
