"""The callback that follows the freeze boundary while `fit` runs."""

from collections.abc import Sequence

import keras

from keras_transfer.features import boundary
from keras_transfer.features.budget import choose
from keras_transfer.features.cache import FeatureCache
from keras_transfer.features.cached_steps import CachedSteps
from keras_transfer.features.rows import Rows
from keras_transfer.features.steps import flatten


class Refill(keras.callbacks.Callback):
    """Computes the features anew where the boundary has moved.

    It stands last in `callbacks`, so that it sees what a schedule has done,
    and before the step that is about to be traced.

    Args:
        steps: The steps that read the features.
        sources: The data.
        budget: Bytes that the features may take.
        progress: Whether a progress bar is drawn.
    """

    def __init__(
        self,
        steps: CachedSteps,
        sources: Sequence[Rows],
        budget: int,
        progress: bool,
    ):
        super().__init__()
        self._steps, self._sources = steps, sources
        self._flat = flatten(steps.model)
        self._budget, self._progress = budget, progress
        self._function = self._settled = None

    def on_epoch_begin(self, epoch, logs=None):
        self._follow()

    def on_train_batch_begin(self, batch, logs=None):
        # A change of what trains comes with another compiled step.
        if self._steps.model.train_function is not self._function:
            self._follow()

    def _follow(self):
        steps = self._steps
        self._function = steps.model.train_function
        settled = boundary.settled_steps(self._flat)
        if settled == self._settled and steps.cache.is_current():
            return
        self._settled = settled
        # Gone before the next one comes, for there may be room for one alone.
        steps.cache = None
        split = choose(steps.model, self._flat, self._sources, self._budget)
        steps.use(FeatureCache(split, self._sources, self._progress))
        self._function = steps.model.train_function
