"""A window of epochs in which a selection trains."""

from typing import Any

from keras_transfer import names
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.structure import paths
from keras_transfer.structure import selectors as grammar


@names.renamed(learning_rate="learning_rate_multiplier")
class FreezeWindow(Schedule):
    """Trains a selection only before an epoch, only after one, or between.

    Prefer it to unfreezing schedules when it is known when a part should rest:
    an embedding after it has settled, a backbone until the head is ready.

    Args:
        selectors: What is frozen outside of the window, in the grammar of
            `keras_transfer.set_trainable`.
        before: First epoch, counted from 0, after the window. Defaults to
            `None`: the window lasts until the end of training.
        after: First epoch of the window. Defaults to `None`: 0.
        others: What else trains, in all epochs. Defaults to `"*"`: the rest of
            the model.
        learning_rate_multiplier: As for `Phase`. Defaults to 1.
        batch_norm: As for `Phase`. Defaults to `"frozen"`.

    Raises:
        ValueError: If the window is empty or has no bound; at the start of
            `fit`, if nothing trains outside of it.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> model.compile("adam", loss="mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 2))
    >>> schedule = kt.schedules.FreezeWindow("hidden", before=2)
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [23, 23, 8]
    """

    def __init__(
        self,
        selectors: grammar.Selectors,
        before: int | None = None,
        after: int | None = None,
        others: grammar.Selectors = "*",
        learning_rate_multiplier: Any = 1.0,
        batch_norm: str = "frozen",
    ):
        super().__init__()
        self.selectors = selectors
        self.before = before
        self.after = after
        self.others = others
        self.learning_rate_multiplier = learning_rate_multiplier
        self.batch_norm = batch_norm
        parts.check_selectors("`selectors`", selectors)
        parts.check_selectors("`others`", others)
        if before is None and after is None:
            raise ValueError(
                "FreezeWindow needs `before` or `after`, the epoch in which "
                "the selection stops or begins to train."
            )
        if before is not None and after is not None and before <= after:
            raise ValueError(
                "The window of FreezeWindow is empty: it begins at epoch "
                f"after={after} and ends at epoch before={before}."
            )
        self._phases(selectors, others)  # Wrong arguments are told now.

    def phases_for(self, model, epochs=None):
        chosen = {id(op) for op in grammar.select(model, self.selectors)}
        path_of = {id(op): path for path, op in paths.paths_of(model).items()}
        rest = [
            path_of[id(operation)]
            for operation in grammar.select(model, self.others)
            if id(operation) not in chosen and getattr(operation, "weights", ())
        ]
        if not rest:
            raise ValueError(
                f"Nothing of {model.name!r} trains outside of the window of "
                f"FreezeWindow({self.selectors!r}). Select less, or end "
                "training instead."
            )
        return self._phases(self.selectors, rest)

    def _phases(self, selected, rest):
        everything = [*parts.as_list(selected), *parts.as_list(rest)]
        rows = []
        if self.after is not None:
            rows.append(("before_window", rest, AtEpoch(self.after)))
        end = None if self.before is None else AtEpoch(self.before)
        rows.append(("window", everything, end))
        if end is not None:
            rows.append(("after_window", rest, None))
        return [
            Phase(
                opened,
                name=name,
                until=until,
                learning_rate_multiplier=self.learning_rate_multiplier,
                batch_norm=self.batch_norm,
            )
            for name, opened, until in rows
        ]
