"""A census: the weights that were known when state was saved."""

import collections
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from keras_transfer.optimizer.cohort import CohortState


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


def _names(path):
    """The names of layer and weight, without the number Keras may append."""
    return [re.sub(r"_\d+$", "", name) for name in path.split("/")[-2:]]
