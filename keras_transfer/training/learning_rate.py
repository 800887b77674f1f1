"""The range test that finds a learning rate."""

import contextlib
import math
import os
import sys
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer import names
from keras_transfer.data.catalogue import Catalogue
from keras_transfer.features.budget import check_cache
from keras_transfer.features.budget import room_for
from keras_transfer.features.cached_steps import CachedSteps
from keras_transfer.features.decision import decide
from keras_transfer.features.refill import Refill
from keras_transfer.features.rows import ROW
from keras_transfer.features.rows import Refusal
from keras_transfer.optimizer import unwrap_optimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.adoption import strategy_scope
from keras_transfer.optimizer.transition import transition
from keras_transfer.schedules.kept_state import given_back
from keras_transfer.schedules.plan import plan
from keras_transfer.training import arguments
from keras_transfer.training.learning_rate_curve import DIVISORS
from keras_transfer.training.learning_rate_curve import RULES
from keras_transfer.training.learning_rate_curve import LearningRateCurve
from keras_transfer.training.learning_rate_curve import smoothed

# The test ends when the smoothed loss is so many times the lowest one.
_DIVERGED = 4.0
_NAME = "kt.find_learning_rate"


def find_learning_rate(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    schedule: Any = None,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    rule: str = "minimum",
    cache: str | os.PathLike | bool = "auto",
    seed: int = 0,
    verbose: str | int = "auto",
) -> LearningRateCurve:
    """Finds a learning rate by training with rates that rise step by step.

    What trains now is trained for some steps, by an optimizer of the same
    kind without a past, and the loss of each batch is noted. Then the model
    is given back bit for bit: weights, optimizer and its slots, metrics,
    flags, compiled steps and random states, also after an error or Ctrl-C.
    Features of frozen layers are computed once, where `kt.fit` does so. Any
    other data set that shuffles is read, and may yield another order next.

    Args:
        model: A compiled model.
        x: What `fit` takes as `x`, or a pair `(x, y)`. No generator, which
            could not be read again by `fit`.
        y: What `fit` takes as `y`. Defaults to `None`.
        schedule: A freeze schedule, whose first phase decides what trains and
            at which multiplier. Defaults to `None`: what trains now.
        lowest: First learning rate. Defaults to 0.000001.
        highest: Last one, unless the loss diverges before. Defaults to 10.
        steps: Number of steps, at least 20. Defaults to 100.
        batch_size: Rows per step, for arrays and the data sets of `kt.data`.
            Defaults to 32.
        rule: `"minimum"` divides the rate where the loss is lowest, by 4 for
            SGD and by 10 for optimizers that scale their steps; `"valley"`
            takes one from the middle of the longest fall of the loss,
            `"steepest"` where it falls fastest. Defaults to `"minimum"`.
        cache: As for `kt.fit`, but where features cannot be cached, training
            is the ordinary one. Defaults to `"auto"`.
        seed: Decides the order of rows. Defaults to 0.
        verbose: 0 hides what the cache says. Defaults to `"auto"`.

    Returns:
        A `LearningRateCurve`; its `suggestion` is the rate, `plot(path)` draws
        it.

    Raises:
        ValueError: For a model that is not compiled, arguments out of range,
            or if the loss is no number from the start.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.eye(4), np.ones((4, 1))
    >>> curve = kt.find_learning_rate(model, x, y, steps=20, verbose=0)
    >>> 1e-6 < curve.suggestion < 10
    True

    Reference: [Smith, 2015](https://arxiv.org/abs/1506.01186)
    """
    _check(model, lowest, highest, rule)
    check_cache(cache, None)
    names.check_whole_number("steps", steps, least=20)
    names.check_whole_number("batch_size", batch_size, least=1)
    if y is None and isinstance(x, tuple):
        x, y = x
    if hasattr(x, "__next__"):
        raise ValueError(
            "A generator cannot be read twice, by this and by `fit`. Pass data "
            "that can be read again."
        )
    x, y = map(arguments.prepare(model, {"x": x, "y": y}).get, ("x", "y"))
    rates = np.geomspace(lowest, highest, steps)
    test = _RangeTest(rates)
    with given_back(model), contextlib.ExitStack() as stack:
        with strategy_scope(model):
            fresh = _without_past(model.optimizer, lowest)
        compat.replace_optimizer(model, fresh)
        multiplier_of = None
        if schedule is not None:
            first, *_ = plan(model, schedule.phases_for(model))
            first.set_flags(model)
            multiplier_of = first.multiplier_of
        transition(model, multiplier_of=multiplier_of)
        batches, callbacks = _batches(
            model, x, y, batch_size, cache, seed, verbose, stack
        )
        model.steps_per_execution = 1
        type(model).fit(
            model,
            batches,
            steps_per_epoch=steps,
            verbose=0,
            shuffle=False,
            callbacks=[*callbacks, test],
        )
    losses = np.array(test.losses)
    if len(losses) < 2:
        raise ValueError(
            f"The loss of {model.name!r} is not finite at {lowest:g}, the "
            "lowest learning rate. Check the data."
        )
    kind = type(unwrap_optimizer(fresh).create_stock()).__name__
    divisor = DIVISORS.get(kind, 10.0)
    return LearningRateCurve(rates[: len(losses)], losses, rule, divisor)


class _RangeTest(keras.callbacks.Callback):
    """Sets the next rate before each step, and notes the loss after it."""

    def __init__(self, rates):
        super().__init__()
        self.losses: list[float] = []
        self._rates = rates

    def on_train_batch_begin(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        # The mean of an epoch that is one batch is the loss of the batch.
        self.model.reset_metrics()
        optimizer = unwrap_optimizer(self.model.optimizer)
        optimizer.learning_rate = self._rates[batch]

    def on_train_batch_end(self, batch, logs=None):
        if math.isfinite(logs["loss"]):
            self.losses.append(float(logs["loss"]))
            mean = smoothed(self.losses)
            if mean[-1] <= _DIVERGED * mean.min():
                return
        self.model.stop_training = True


def _check(model, lowest, highest, rule):
    if not getattr(model, "compiled", False) or not model.built:
        raise ValueError(
            f"The model {model.name!r} is not compiled, or not built. Call "
            "kt.compile_for_transfer(model) first."
        )
    if not 0 < lowest < highest < math.inf:
        raise ValueError(
            "Expected learning rates 0 < lowest < highest. Received: "
            f"lowest={lowest!r}, highest={highest!r}."
        )
    if rule not in RULES:
        raise ValueError(f"Unknown rule {rule!r}. Expected one of {RULES}.")


def _without_past(optimizer, rate):
    """An optimizer of the same kind and settings, with a constant rate."""
    inner = unwrap_optimizer(wrap_optimizer(optimizer))
    fresh = inner.create_stock(learning_rate=rate)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        fresh = keras.optimizers.LossScaleOptimizer(
            fresh, optimizer.initial_scale, optimizer.dynamic_growth_steps
        )
    return wrap_optimizer(fresh)


def _batches(model, x, y, batch_size, cache, seed, verbose, stack):
    """Batches without an end, and the callbacks that they need."""
    catalogue = Catalogue.of(x)
    labels = y if catalogue is None else catalogue.encoded_labels
    if cache is not False:
        room = stack.enter_context(room_for(cache, None, model))
        try:
            given = {"x": x, "batch_size": batch_size}
            decision = decide(model, given, room)
        except Refusal as refusal:
            if verbose:
                print(f"{_NAME}: no cache, because {refusal}.", file=sys.stderr)
        else:
            cached = CachedSteps(model)
            stack.enter_context(cached.installed())
            refill = Refill(cached, decision, (), bool(verbose))
            rows = _rows(decision.num_rows, batch_size, seed)
            return ((({ROW: r}, _take(labels, r)) for r in rows), [refill])
    first, *_ = leaves = keras.tree.flatten(x)
    if not all(hasattr(leaf, "shape") for leaf in leaves):
        return _again(x), []
    rows = _rows(len(first), batch_size, seed)
    return ((_take(x, r), _take(y, r)) for r in rows), []


def _rows(count, size, seed):
    generator, left = np.random.default_rng(seed), np.zeros(0, int)
    while True:
        while len(left) < min(size, count):
            left = np.concatenate([left, generator.permutation(count)])
        yield left[:size]
        left = left[size:]


def _take(values, rows):
    return keras.tree.map_structure(
        lambda array: ops.convert_to_numpy(array)[rows], values
    )


def _again(data):
    while True:
        # A `PyDataset` says only how many batches it has.
        is_indexed = isinstance(data, keras.utils.PyDataset)
        places = range(len(data)) if is_indexed else ()
        for batch in map(data.__getitem__, places) if places else data:
            yield keras.tree.map_structure(ops.convert_to_numpy, tuple(batch))
