"""A cohort: weights that share one inner stock optimizer."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer import compat


@dataclasses.dataclass
class CohortState:
    """Values of a cohort's state, taken off the device.

    Args:
        multiplier: What the learning rate is multiplied by.
        warmup_steps: Steps over which the learning rate rises after the thaw.
        counters: Values common to all weights, by name.
        slots: One dictionary per weight: slot name to value.
    """

    multiplier: float
    warmup_steps: int
    counters: dict[str, np.ndarray]
    slots: list[dict[str, np.ndarray]]

    def of(self, places: Sequence[int]) -> "CohortState":
        """Returns the state of some of the weights, given by position."""
        return dataclasses.replace(
            self, slots=[self.slots[place] for place in places]
        )


class Cohort:
    """Weights that became trainable together, with their own step counter.

    Adam and its kin correct the bias of young moments by the number of steps
    taken. Weights that join at step 1000 under the counter of the others would
    take steps up to five times too long, so each cohort counts for itself.

    Args:
        create_inner: Returns an unbuilt stock optimizer for the learning rate
            (a callable) that it is given.
        variables: The weights, at least one.
        base_rate: Returns the learning rate common to all cohorts.
        multiplier: What the learning rate is multiplied by.
        warmup_steps: Number of first steps over which the learning rate rises
            linearly to its full value; 0 for none.
    """

    def __init__(
        self,
        create_inner: Callable[[Callable], keras.optimizers.Optimizer],
        variables: Sequence[Any],
        base_rate: Callable[[], Any],
        multiplier: float = 1.0,
        warmup_steps: int = 0,
    ):
        self.variables = list(variables)
        self.warmup_steps = warmup_steps
        self._base_rate = base_rate
        # A variable, so that it can change without a new trace. An array, as a
        # Python number has a weak type on JAX, and its change would be traced.
        self._multiplier = keras.Variable(
            np.array(multiplier, keras.backend.floatx()),
            trainable=False,
            aggregation="only_first_replica",
            # Distinct, for `model.get_state_tree`, which Orbax saves.
            name=f"multiplier_{self.variables[0].path}".replace("/", "."),
        )
        self._multiplier_value = float(multiplier)
        self.inner = create_inner(self.learning_rate)
        self.inner.build(self.variables)
        self._check_separable()

    def _check_separable(self):
        counters, slots = compat.optimizer_state(self.inner)
        named = {id(v) for v in counters.values()}
        named |= {id(v) for held in slots.values() for v in held}
        unknown = [v for v in self.inner.variables if id(v) not in named]
        if unknown:
            raise ValueError(
                f"{type(self.inner).__name__} cannot train groups of weights "
                "apart: expected its state to be scalars or lists with one "
                "variable per weight, received "
                f"{[v.path for v in unknown[:3]]}. Use an optimizer that "
                "keeps its slots in such lists, as those of Keras do."
            )

    def learning_rate(self) -> Any:
        """Returns the learning rate of the next step as a tensor."""
        rate = ops.multiply(self._base_rate(), self._multiplier)
        if self.warmup_steps:
            counter = compat.step_counter(self.inner)
            step = ops.cast(counter, rate.dtype) + 1.0
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        return rate

    @property
    def multiplier(self) -> float:
        """What the learning rate is multiplied by; changing it is cheap."""
        return self._multiplier_value

    @multiplier.setter
    def multiplier(self, value: float):
        if value != self._multiplier_value:
            self._multiplier_value = float(value)
            dtype = self._multiplier.dtype
            self._multiplier.assign(np.array(value, dtype))

    @property
    def state_variables(self) -> list[keras.Variable]:
        """Everything of this cohort that a training step may change."""
        return [self._multiplier, *self.inner.variables]

    @property
    def untouched(self) -> bool:
        """Whether no step was taken, so that the slots hold nothing yet."""
        return compat.steps_taken(self.inner) == 0

    def apply(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        """Takes one step with some or all of the weights."""
        self.inner.apply(gradients, variables)

    def drop_partial_window(self) -> None:
        """Forgets the gradients of an accumulation window that is not full.

        A cohort frozen in the middle of a window would otherwise begin its
        next life with gradients of the old one.
        """
        steps = self.inner.gradient_accumulation_steps
        if not steps or compat.steps_taken(self.inner) % steps == 0:
            return
        for accumulator in compat.gradient_accumulators(self.inner):
            if accumulator is not None:
                zeros = ops.zeros(accumulator.shape, accumulator.dtype)
                accumulator.assign(zeros)
        whole = compat.steps_taken(self.inner) // steps * steps
        compat.step_counter(self.inner).assign(whole)

    def averages(self) -> list[tuple[Any, Any]]:
        """Returns `(weight, moving average)` pairs, none before a step."""
        if self.untouched:  # They start at zero, which is not an average.
            return []
        held = zip(
            self.variables, compat.moving_averages(self.inner), strict=False
        )
        return [(v, average) for v, average in held if average is not None]

    def read_state(self) -> CohortState:
        """Returns a copy of all values."""
        state = read_optimizer(self.inner)
        return dataclasses.replace(
            state, multiplier=self.multiplier, warmup_steps=self.warmup_steps
        )

    def check_state(self, state: CohortState) -> None:
        """Raises `ValueError`, naming weights, if a state does not fit here."""
        counters, slots = compat.optimizer_state(self.inner)
        if set(counters) != set(state.counters):
            raise ValueError(
                f"The saved optimizer state counts {sorted(state.counters)}, "
                f"but {type(self.inner).__name__} counts {sorted(counters)}. "
                "Compile with the optimizer that the state was saved from."
            )
        for place, variable in enumerate(self.variables):
            expected = {
                name: tuple(held[place].shape)
                for name, held in slots.items()
                if held[place] is not None
            }
            received = {
                name: tuple(value.shape)
                for name, value in state.slots[place].items()
            }
            if expected != received:
                raise ValueError(
                    f"The saved optimizer state of {variable.path!r} does not "
                    f"fit. Expected the slots {expected}, received {received}. "
                    "Compile with the optimizer settings that the state was "
                    "saved with, or load the weights without the optimizer."
                )

    def write_state(self, state: CohortState) -> None:
        """Sets all values; call `check_state` first."""
        counters, slots = compat.optimizer_state(self.inner)
        self.multiplier = state.multiplier
        for name, value in state.counters.items():
            counters[name].assign(np.array(value))
        for place, saved in enumerate(state.slots):
            for name, value in saved.items():
                slots[name][place].assign(np.array(value))


def read_optimizer(optimizer: keras.optimizers.Optimizer) -> CohortState:
    """Returns a copy of the state of a built stock optimizer."""
    counters, slots = compat.optimizer_state(optimizer)
    return CohortState(
        multiplier=1.0,
        warmup_steps=0,
        counters={name: _copy(v) for name, v in counters.items()},
        slots=[
            {
                name: _copy(held[place])
                for name, held in slots.items()
                if held[place] is not None
            }
            for place in range(len(compat.optimizer_weights(optimizer)))
        ],
    )


def _copy(variable):
    # A view would change with the variable: TensorFlow's shares its buffer.
    return np.array(ops.convert_to_numpy(variable))


def averages_of(
    cohorts: Sequence[Cohort],
    variables: Sequence[Any],
    key_of: Callable[[Any], Any],
) -> list[tuple[Any, Any]]:
    """Returns those of some weights that have moving averages, with these."""
    keys = {key_of(variable) for variable in variables}
    return [
        (variable, average)
        for cohort in cohorts
        for variable, average in cohort.averages()
        if key_of(variable) in keys
    ]
