"""The form in which optimizer state is stored."""

import dataclasses
import json
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import Any

import numpy as np

from keras_transfer.optimizer.census import Census
from keras_transfer.optimizer.census import SavedCohort
from keras_transfer.optimizer.cohort import CohortState

_FORMAT = 1
# Arrays are numbered, as Keras numbers them, and described by an array of
# bytes: names cannot collide, and no file format limits what may be said.
_DESCRIPTION = "description"


@dataclasses.dataclass
class SavedState:
    """Everything an optimizer writes into a file.

    Args:
        rule: Name of the stock optimizer class, such as `"Adam"`.
        own: Values common to all cohorts, by name.
        cohorts: Owners and values of each cohort.
        schedule_state: The JSON data that a freeze schedule keeps here.
        schedule_arrays: The arrays that it keeps here.
    """

    rule: str
    own: dict[str, np.ndarray]
    cohorts: list[SavedCohort]
    schedule_state: dict[str, Any]
    schedule_arrays: dict[str, np.ndarray] = dataclasses.field(
        default_factory=dict
    )


def is_ours(store: Mapping[str, Any]) -> bool:
    """Whether a store was written by `write_state`, not by Keras."""
    return _DESCRIPTION in store.keys()


def write_state(store: MutableMapping[str, Any], state: SavedState) -> None:
    """Writes arrays under running numbers and a JSON description of them.

    Raises:
        TypeError: If the schedule's state is not JSON data.
    """
    arrays: list[np.ndarray] = []

    def put(values):
        arrays.extend(values.values())
        start = len(arrays) - len(values)
        return {name: start + i for i, name in enumerate(values)}

    censuses = list(dict.fromkeys(saved.census for saved in state.cohorts))
    description = {
        "format": _FORMAT,
        "rule": state.rule,
        "own": put(state.own),
        "schedule_state": state.schedule_state,
        "schedule_arrays": put(state.schedule_arrays),
        "censuses": [dataclasses.asdict(census) for census in censuses],
        "cohorts": [
            {
                "census": censuses.index(saved.census),
                "members": saved.members,
                "multiplier": saved.state.multiplier,
                "warmup_steps": saved.state.warmup_steps,
                "counters": put(saved.state.counters),
                "slots": [put(slots) for slots in saved.state.slots],
            }
            for saved in state.cohorts
        ],
    }
    try:
        text = json.dumps(description)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "The `schedule_state` of the optimizer must be JSON data (dict, "
            f"list, str, int, float, bool, None): {error}. Received: "
            f"{state.schedule_state!r}"
        ) from error
    for number, array in enumerate(arrays):
        store[str(number)] = array
    store[_DESCRIPTION] = np.frombuffer(text.encode(), dtype="uint8")


def read_state(store: Mapping[str, Any]) -> SavedState:
    """Reads what `write_state` wrote.

    Raises:
        ValueError: If the data is damaged or of a newer format.
    """
    try:
        text = np.asarray(store[_DESCRIPTION]).tobytes().decode()
        description = json.loads(text)
        version = description["format"]
        if version == _FORMAT:
            return _interpret(description, store)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"The saved optimizer state is damaged: {error!r}. Load the "
            "weights without the optimizer, or an older checkpoint."
        ) from error
    raise ValueError(
        f"The saved optimizer state has format {version!r}; this version of "
        f"keras_transfer reads format {_FORMAT}. Upgrade keras_transfer."
    )


def _interpret(description, store):
    def take(numbers):
        return {
            name: np.array(store[str(number)])
            for name, number in numbers.items()
        }

    censuses = [
        Census(tuple(census["paths"]), tuple(census["active"]))
        for census in description["censuses"]
    ]
    return SavedState(
        rule=description["rule"],
        own=take(description["own"]),
        schedule_state=description["schedule_state"],
        schedule_arrays=take(description.get("schedule_arrays", {})),
        cohorts=[
            SavedCohort(
                censuses[cohort["census"]],
                cohort["members"],
                CohortState(
                    multiplier=cohort["multiplier"],
                    warmup_steps=cohort["warmup_steps"],
                    counters=take(cohort["counters"]),
                    slots=[take(slots) for slots in cohort["slots"]],
                ),
            )
            for cohort in description["cohorts"]
        ],
    )
