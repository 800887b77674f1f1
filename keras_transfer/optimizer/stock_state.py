"""The state of optimizers, stock ones and ours, in Keras's files."""

import dataclasses
from collections.abc import Mapping
from collections.abc import MutableMapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.optimizer import saved_state
from keras_transfer.optimizer import stock_state
from keras_transfer.optimizer.cohort import read_optimizer
from keras_transfer.optimizer.roster import Roster
from keras_transfer.optimizer.saved_state import Census
from keras_transfer.optimizer.saved_state import SavedCohort
from keras_transfer.optimizer.saved_state import SavedState


def own_values(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Returns the variables that concern no weight in particular, by name."""
    own = {"iterations": compat.step_counter(optimizer)}
    rate = compat.learning_rate_source(optimizer)
    if isinstance(rate, keras.Variable):
        own["learning_rate"] = rate
    return own


def state_of(stock: keras.optimizers.Optimizer) -> SavedState:
    """Returns the state of a built stock optimizer in our form."""
    weights = compat.optimizer_weights(stock)
    own = own_values(stock)
    return SavedState(
        # torch has subclasses of its own under the same names.
        rule=type(stock).__name__,
        own={k: np.array(ops.convert_to_numpy(v)) for k, v in own.items()},
        cohorts=[
            SavedCohort(
                Census.of(weights, weights),
                list(range(len(weights))),
                read_optimizer(stock),
            )
        ],
        schedule_state={},
    )


def read_stock_store(
    store: Mapping[str, Any],
    stock: keras.optimizers.Optimizer,
    variables: Sequence[Any],
) -> SavedState:
    """Interprets what Keras stored for a stock optimizer.

    Keras numbers the values without saying whose they are, so they are taken
    only if they fit all of `variables`, in this order.

    Args:
        store: The stored values.
        stock: An unbuilt optimizer with the settings of the stored one.
        variables: The weights that it is supposed to have trained.

    Raises:
        ValueError: If numbers or shapes differ, naming the weights.
    """
    stock.build(list(variables))
    names = sorted(store.keys(), key=int)
    check_fits(stock, [tuple(np.shape(store[name])) for name in names])
    for variable, name in zip(stock.variables, names, strict=True):
        variable.assign(np.array(store[name]))
    return state_of(stock)


def check_fits(
    stock: keras.optimizers.Optimizer, received: Sequence[tuple[int, ...]]
) -> None:
    """Raises `ValueError` unless stored values fit a stock optimizer.

    Keras compares nothing but their number, and passes over the whole state
    with a warning if that differs.

    Args:
        stock: A built optimizer.
        received: Shapes of the stored values, in their order.
    """
    expected = [tuple(v.shape) for v in stock.variables]
    if expected != list(received):
        weights = compat.optimizer_weights(stock)
        raise ValueError(
            "The optimizer state in the file was saved by a stock optimizer, "
            f"by number, and does not fit {type(stock).__name__} on the "
            f"weights {[v.path for v in weights]}. Expected the shapes "
            f"{expected}, received {list(received)}. Open the same weights "
            "for training as when it was saved, or load the weights without "
            "the optimizer."
        )


def save(
    store: MutableMapping[str, Any],
    optimizer: Any,
    rule_name: str,
    roster: Roster,
) -> None:
    """Writes everything that an exact continuation needs."""
    own = stock_state.own_values(optimizer)
    saved_state.write_state(
        store,
        saved_state.SavedState(
            rule=rule_name,
            own={k: np.array(ops.convert_to_numpy(v)) for k, v in own.items()},
            cohorts=roster.saved(),
            schedule_state=optimizer.memory.schedule_state,
            schedule_arrays=optimizer.memory.arrays,
        ),
    )


def load(
    store: Mapping[str, Any],
    optimizer: Any,
    rule_name: str,
    roster: Roster,
) -> None:
    """Restores what `save`, or Keras for a stock optimizer, has written.

    Raises:
        ValueError: If the state is another optimizer's or does not fit; then
            nothing has been changed.
    """
    if not store.keys():
        return  # A file of weights without an optimizer has nothing for us.
    if saved_state.is_ours(store):
        state = saved_state.read_state(store)
    else:
        state = stock_state.read_stock_store(
            store, optimizer.create_stock(), optimizer.active_variables()
        )
    if state.rule != rule_name:
        raise ValueError(
            f"The saved optimizer state is that of {state.rule}, but the "
            f"model is compiled with {rule_name}. Compile with {state.rule}, "
            "or load the weights without the optimizer."
        )
    roster.restore(state.cohorts)
    own = stock_state.own_values(optimizer)
    # A learning rate is restored if it is a number then as now; a schedule
    # that was compiled in instead is followed from the restored step.
    for name in own.keys() & state.own.keys():
        own[name].assign(state.own[name])
    optimizer.memory.schedule_state = state.schedule_state
    optimizer.memory.arrays = state.schedule_arrays


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
