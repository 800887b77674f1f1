"""Optimizer state as it is stored, and the census that tells its owners."""

import collections
import dataclasses
import json
import re
from collections.abc import Mapping
from collections.abc import MutableMapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.optimizer.cohort import CohortState

_FORMAT = 1
# Arrays are numbered, as Keras numbers them, and described by an array of
# bytes: names cannot collide, and no file format limits what may be said.
_DESCRIPTION = "description"


@dataclasses.dataclass(frozen=True)
class Census:
    """Finds the owners of saved state again.

    A path alone does not name a weight: two nested models may share paths, and
    Keras gives a nested layer another prefix when a model is loaded than when
    it was built. So all paths are kept, in order, and a list of weights that
    agrees in number and names is matched by position.

    Args:
        paths: Paths of the weights in the order of the model.
        active: Positions of those that were trainable.
    """

    paths: tuple[str, ...]
    active: tuple[int, ...]

    @classmethod
    def of(cls, variables: Sequence[Any], active: Sequence[Any]) -> "Census":
        """Takes the census of weights."""
        trainable = {id(variable) for variable in active}
        return cls(
            tuple(variable.path for variable in variables),
            tuple(i for i, v in enumerate(variables) if id(v) in trainable),
        )

    def find(
        self, variables: Sequence[Any], active: Sequence[Any]
    ) -> dict[int, Any]:
        """Returns the weights that are recognized, by position in the census.

        Args:
            variables: The weights that are known now, in the model's order.
            active: Those of them that are trainable now.
        """
        everyone = range(len(self.paths))
        for places, candidates in (
            (everyone, variables),
            (self.active, active),
        ):
            if candidates and self._agree(places, candidates):
                return dict(zip(places, candidates, strict=True))
        return self._find_by_path(variables)

    def _agree(self, places, candidates):
        return len(places) == len(candidates) and all(
            _names(self.paths[place]) == _names(variable.path)
            for place, variable in zip(places, candidates, strict=True)
        )

    def _find_by_path(self, variables):
        now: dict[str, list[Any]] = collections.defaultdict(list)
        for variable in variables:
            now[variable.path].append(variable)
        then: dict[str, list[int]] = collections.defaultdict(list)
        for place, path in enumerate(self.paths):
            then[path].append(place)
        return {
            place: variable
            for path, places in then.items()
            # Of several namesakes, none can be told unless all are there.
            if len(places) == len(now[path])
            for place, variable in zip(places, now[path], strict=True)
        }


@dataclasses.dataclass
class SavedCohort:
    """The state of a cohort together with whose state it is.

    Args:
        census: The weights that were known at saving.
        members: Positions of the cohort's weights in the census.
        state: The values.
    """

    census: Census
    members: list[int]
    state: CohortState

    def of(self, places: Sequence[int]) -> "SavedCohort":
        """Returns the part that concerns some of the members."""
        members = [self.members[place] for place in places]
        return SavedCohort(self.census, members, self.state.of(places))


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


def _names(path):
    """The names of layer and weight, without the number Keras may append."""
    return [re.sub(r"_\d+$", "", name) for name in path.split("/")[-2:]]
