"""State of stock optimizers, as it is in memory or as Keras stores it."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.optimizer.census import Census
from keras_transfer.optimizer.census import SavedCohort
from keras_transfer.optimizer.cohort import read_optimizer
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
    expected = [tuple(v.shape) for v in stock.variables]
    names = sorted(store.keys(), key=int)
    received = [tuple(np.shape(store[name])) for name in names]
    if expected != received:
        raise ValueError(
            "The optimizer state in the file was saved by a stock optimizer, "
            f"by number, and does not fit {type(stock).__name__} on the "
            f"weights {[v.path for v in variables]}. Expected the shapes "
            f"{expected}, received {received}. Open the same weights for "
            "training as when it was saved, or load the weights without the "
            "optimizer."
        )
    for variable, name in zip(stock.variables, names, strict=True):
        variable.assign(np.array(store[name]))
    return state_of(stock)
