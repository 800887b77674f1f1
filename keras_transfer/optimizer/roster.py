"""The roster: which cohort each weight belongs to."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from keras_transfer.optimizer.cohort import Cohort
from keras_transfer.optimizer.saved_state import Census
from keras_transfer.optimizer.saved_state import SavedCohort


class Roster:
    """Cohorts of one optimizer, and saved state whose owner is not here yet.

    A plain object, so that Keras does not track the lists of weights in it:
    they would count as state of the optimizer.

    Args:
        found_cohort: Returns a cohort for `(variables, multiplier,
            warmup_steps)`.
        key_of: Returns what a weight is known by, on any replica.
    """

    def __init__(
        self,
        found_cohort: Callable[[list[Any], float, int], Cohort],
        key_of: Callable[[Any], Any],
    ):
        self.cohorts: list[Cohort] = []
        self.active: list[Any] = []
        self.pending: list[SavedCohort] = []
        # Grows whenever traces that know the old slots become invalid.
        self.generation = 0
        self._known: list[Any] = []
        self._found_cohort = found_cohort
        self.key_of = key_of

    def _index(self):
        return {
            self.key_of(variable): cohort
            for cohort in self.cohorts
            for variable in cohort.variables
        }

    def cohort_of(self, variable: Any) -> Cohort | None:
        """Returns the cohort of a weight, or None if it never was trainable."""
        return self._index().get(self.key_of(variable))

    def by_cohort(
        self, variables: Sequence[Any]
    ) -> list[tuple[Cohort, list[int]]]:
        """Returns each cohort concerned with the positions of its weights.

        Raises:
            ValueError: For weights without state, naming them.
        """
        index = self._index()
        owners = [index.get(self.key_of(v)) for v in variables]
        if None in owners:
            unknown = [
                v.path
                for v, owner in zip(variables, owners, strict=True)
                if owner is None
            ]
            raise ValueError(
                "The optimizer was not told that these weights are trainable: "
                f"{unknown}. After changing flags call "
                "`kt.transition(model)`, or "
                "pass it the function that changes them."
            )
        return [
            (cohort, [i for i, owner in enumerate(owners) if owner is cohort])
            for cohort in self.cohorts
            if any(owner is cohort for owner in owners)
        ]

    def meet(self, variables: Sequence[Any], complete: bool) -> None:
        """Learns of weights, and gives them their saved state if it waits.

        Args:
            variables: Weights in the order of the model.
            complete: Whether these are all weights of the model.

        Raises:
            ValueError: If they are all, but saved state belongs to others.
        """
        if complete:
            everyone = _union(variables, *(c.variables for c in self.cohorts))
        else:
            everyone = _union(self._known, variables)
        settled, left = self._settle(self.pending, everyone, [])
        paths = [s.census.paths[place] for s in left for place in s.members]
        # Files of models without `ModelInfo` hold adapters merged.
        lost = [path for path in paths if "/lora_" not in path]
        if complete and lost:
            raise ValueError(
                "Saved optimizer state cannot be given to weights of the "
                f"model: it has no, or no distinct, {lost}. Build the model "
                "with the layers and names it had when it was saved, or load "
                "its weights without the optimizer."
            )
        self._known, self.pending = everyone, [] if complete else left
        for cohort, state in settled:
            cohort.write_state(state)
            self.cohorts.append(cohort)

    def restore(self, saved: Sequence[SavedCohort]) -> None:
        """Replaces all state by what was saved.

        Slots that fit are written in place, so that traces stay valid. No
        slot is created for a weight that the saved state did not train, and
        state without an owner among the known weights waits for `meet`.
        """
        settled, self.pending = self._settle(saved, self._known, self.active)
        for cohort, state in settled:
            cohort.write_state(state)
        cohorts = [cohort for cohort, _ in settled]
        if not _same(cohorts, self.cohorts):
            self.generation += 1
        self.cohorts = cohorts
        index = self._index()
        self.active = [v for v in self.active if self.key_of(v) in index]

    def _settle(self, saved, variables, active):
        """Splits saved state into what has an owner and what is left."""
        settled, left = [], []
        for cohort_saved in saved:
            found = cohort_saved.census.find(variables, active)
            owners = [found.get(member) for member in cohort_saved.members]
            here = [i for i, owner in enumerate(owners) if owner is not None]
            away = [i for i, owner in enumerate(owners) if owner is None]
            if here:
                state = cohort_saved.of(here).state
                cohort = self._find_or_found([owners[i] for i in here], state)
                cohort.check_state(state)
                settled.append((cohort, state))
            if away:
                left.append(cohort_saved.of(away))
        return settled, left

    def _find_or_found(self, variables, state):
        for cohort in self.cohorts:
            if (
                _same(cohort.variables, variables)
                and cohort.warmup_steps == state.warmup_steps
            ):
                return cohort
        return self._found_cohort(
            variables, state.multiplier, state.warmup_steps
        )

    def separate(
        self,
        active: Sequence[Any],
        multiplier_of: Callable[[Any], float] | None,
    ) -> None:
        """Sets multipliers; splits cohorts whose weights go separate ways.

        Weights go separate ways when only some of them stay trainable (the
        step counter of the others must stand still) or when their multipliers
        differ. The parts keep the slots and the counter.
        """
        opened = {self.key_of(v) for v in active}
        cohorts = []
        for cohort in self.cohorts:
            groups: dict[tuple[bool, float], list[int]] = {}
            for i, variable in enumerate(cohort.variables):
                is_open = self.key_of(variable) in opened
                multiplier = cohort.multiplier
                if is_open and multiplier_of is not None:
                    multiplier = float(multiplier_of(variable))
                groups.setdefault((is_open, multiplier), []).append(i)
            parts = [cohort]
            if len(groups) > 1:
                state = cohort.read_state()
                parts = [self._part(cohort, state, p) for p in groups.values()]
                self.generation += 1
            for part, (_, multiplier) in zip(parts, groups, strict=True):
                part.multiplier = multiplier
            cohorts += parts
        self.cohorts = cohorts

    def _part(self, cohort, state, places):
        part = self._found_cohort(
            [cohort.variables[i] for i in places],
            cohort.multiplier,
            cohort.warmup_steps,
        )
        part.write_state(state.of(places))
        return part

    def retire(self, active: Sequence[Any], drop: bool = False) -> None:
        """Tidies up cohorts that no longer train.

        Those that never took a step, or all of them if they are to `drop`
        them, give their slots back; the others forget the gradients of an
        unfinished accumulation window.
        """
        opened = {self.key_of(v) for v in active}
        remaining = []
        for cohort in self.cohorts:
            if any(self.key_of(v) in opened for v in cohort.variables):
                remaining.append(cohort)
            elif not (drop or cohort.untouched):
                cohort.drop_partial_window()
                remaining.append(cohort)
        if len(remaining) < len(self.cohorts):
            self.generation += 1
        self.cohorts = remaining

    def admit(
        self,
        variables: Sequence[Any],
        multiplier_of: Callable[[Any], float] | None,
        warmup_steps: int,
    ) -> None:
        """Founds cohorts for weights that have no state yet."""
        index = self._index()
        groups: dict[float, list[Any]] = {}
        for variable in variables:
            if self.key_of(variable) not in index:
                multiplier = multiplier_of(variable) if multiplier_of else 1.0
                groups.setdefault(float(multiplier), []).append(variable)
        for multiplier, members in groups.items():
            self.cohorts.append(
                self._found_cohort(members, multiplier, warmup_steps)
            )

    def saved(self) -> list[SavedCohort]:
        """Returns all state, that which waits for its owner included."""
        census = Census.of(self._known, self.active)
        places = {id(v): place for place, v in enumerate(self._known)}
        placed = [
            SavedCohort(
                census,
                [places[id(v)] for v in cohort.variables],
                cohort.read_state(),
            )
            for cohort in self.cohorts
        ]
        return [*placed, *self.pending]


def _same(some, others):
    return [id(item) for item in some] == [id(item) for item in others]


def _union(*groups):
    unique = {id(item): item for group in groups for item in group}
    return list(unique.values())
