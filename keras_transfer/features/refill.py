"""The callback that follows the freeze boundary while `fit` runs."""

import sys
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.features import boundary
from keras_transfer.features.cache import FeatureCache
from keras_transfer.features.cached_steps import CachedSteps
from keras_transfer.features.computing import compute_together
from keras_transfer.features.decision import Decision
from keras_transfer.features.rows import Refusal
from keras_transfer.structure import freeze_state

# Of Keras's own callbacks, those that may write weights while `fit` runs.
_WRITERS = (keras.callbacks.LambdaCallback, keras.callbacks.SwapEMAWeights)


class Refill(keras.callbacks.Callback):
    """Computes features when the freeze boundary has moved.

    It stands last in `callbacks`, so that it acts after schedules and before
    the next step is traced. The same pass also computes the features of lower
    boundaries that a schedule has planned.

    Args:
        steps: The steps that read the features.
        decision: What is cached, from which data, and where.
        callbacks: The other callbacks. Those with a method
            `on_features_batch_end` receive the number of rows that are done,
            after each batch of features.
        progress: Whether progress is shown.
    """

    def __init__(
        self,
        steps: CachedSteps,
        decision: Decision,
        callbacks: Sequence[Any],
        progress: bool,
    ):
        super().__init__()
        self._steps, self._decision = steps, decision
        self._callbacks, self._progress = callbacks, progress
        self._may_change = not all(map(_leaves_frozen_weights, callbacks))
        self._function = self._settled = self._coming = None
        self._ready: dict[tuple[bool, ...], FeatureCache] = {}

    def on_epoch_begin(self, epoch, logs=None):
        self._follow()

    def on_train_batch_begin(self, batch, logs=None):
        # A change of what trains comes with another compiled step.
        if self._steps.model.train_function is not self._function:
            self._follow()

    def _follow(self):
        steps = self._steps
        self._function = steps.model.train_function
        settled = boundary.settled_steps(self._decision.flat)
        if settled == self._settled and (
            not self._may_change or steps.cache.is_current()
        ):
            return
        self._settled = settled
        # Freed first, as there may be room for one cache only.
        steps.cache = None
        cache = self._ready.pop(settled, None)
        if cache is None or not cache.is_current():
            cache = self._compute(settled)
        steps.use(cache)
        self._function = steps.model.train_function

    def _compute(self, settled):
        decision = self._decision
        self._ready.clear()
        try:
            split = decision.split_at(settled)
        except Refusal as refusal:
            raise ValueError(
                f"This training can no longer be cached, because {refusal}. "
                "Pass cache=False for the ordinary way."
            ) from None
        taken = decision.size_of(split)
        caches = {settled: self._cache(split, taken)}
        if self._coming is None:
            self._coming = self._coming_boundaries()
        for later in self._coming:
            below = boundary.divide(decision.flat, later)
            size = decision.size_of(below)
            if (
                later not in caches
                and below.computes_something
                # None of it trains in the meantime.
                and _is_part(below.prefix, split.prefix)
                and decision.room.fits(taken + size)
            ):
                taken += size
                caches[later] = self._cache(below, taken)
        compute_together([*caches.values()], self._progress, self._tell)
        self._ready = caches
        return self._ready.pop(settled)

    def _coming_boundaries(self):
        """Returns the boundary of each phase that a schedule has planned."""
        model, flat = self._steps.model, self._decision.flat
        found = []
        for schedule in self._decision.schedules:
            for planned in schedule.planned:
                with freeze_state.flags_kept(model):
                    planned.set_flags(model)
                    found.append(boundary.settled_steps(flat))
        return list(dict.fromkeys(found))

    def _cache(self, split, taken):
        room = self._decision.room
        cache = FeatureCache(
            split,
            *self._decision.sources,
            folder=room.folder_for(taken),
            # Images are never rounded.
            dtype=room.dtype if split.prefix.steps else None,
            rebuild=True,
        )
        change = cache.explain_change()
        if change:
            _say(f"{cache.size}: made from {change}; computed anew.")
        elif self._progress and cache.folder is not None:
            _say(f"{cache.size}.")
        return cache

    def _tell(self, rows):
        for callback in self._callbacks:
            if hasattr(callback, "on_features_batch_end"):
                callback.on_features_batch_end(rows)


def _leaves_frozen_weights(callback):
    # Comparing weights in every epoch would take longer than training a head.
    origin = type(callback).__module__.partition(".")[0]
    return origin in ("keras", "keras_transfer") and not isinstance(
        callback, _WRITERS
    )


def _is_part(prefix, other):
    inside = {id(step) for step in other.steps}
    return all(id(step) in inside for step in prefix.steps)


def _say(what):
    print(f"kt.fit: features of {what}", file=sys.stderr)
