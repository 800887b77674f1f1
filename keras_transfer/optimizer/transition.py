"""The one way in which a change of trainability takes effect."""

from collections.abc import Callable
from collections.abc import Hashable
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.optimizer.adoption import adopt_optimizer
from keras_transfer.optimizer.adoption import strategy_scope
from keras_transfer.optimizer.step_functions import StepFunctions


def transition(
    model: keras.Model,
    set_flags: Callable[[keras.Model], Any] | None = None,
    *,
    multiplier_of: Callable[[Any], float] | None = None,
    warmup_steps: int = 0,
) -> bool:
    """Changes what trains, at once and without loss, also inside `fit`.

    Call it from a callback, at the beginning or end of an epoch or batch, or
    between two calls of `fit`. Never `compile` for this: it resets the
    optimizer, and during `fit` it breaks it. The first call turns a stock
    optimizer into a `TransferOptimizer` that keeps its state.

    Optimizer state of weights that trained before stays as it is, whether they
    train on or not. Weights that never trained get fresh state with a step
    counter of their own.

    Args:
        model: A compiled and built model.
        set_flags: Receives the model and sets its `trainable` flags, for
            example by `keras_transfer.set_trainable`. Defaults to leaving them
            as they are: then a change made before takes effect.
        multiplier_of: Receives a weight and returns what its learning rate is
            multiplied by. Defaults to what it is now, 1 for new weights.
            Multipliers alone can change without a new trace.
        warmup_steps: Number of first steps over which the learning rate of
            newly opened weights rises linearly. Defaults to 0.

    Returns:
        Whether anything was changed.

    Raises:
        ValueError: If the model is not compiled or not built, if its optimizer
            cannot train groups of weights apart, or if it holds saved state
            for weights that the model does not have.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> model.compile("adam", loss="mse")
    >>> def freeze_hidden(model):
    ...     model.get_layer("hidden").trainable = False
    >>> kt.transition(model, freeze_hidden)
    True
    >>> kt.transition(model, freeze_hidden)
    False
    """
    _check(model)
    optimizer = adopt_optimizer(model)
    functions = optimizer.memory.step_functions
    if functions is None:
        functions = optimizer.memory.step_functions = StepFunctions()
    if keras.backend.backend() == "jax":
        # Inside an epoch the values live in a list sorted by the old flags.
        model.jax_state_sync()
    if set_flags is not None:
        set_flags(model)
    before = _optimizer_signature(model, optimizer)
    generation = optimizer.generation
    with strategy_scope(model):
        _activate(model, optimizer, multiplier_of, warmup_steps)
    if optimizer.generation != generation:
        functions.forget()
    signature = (_flags(model), optimizer.generation)
    changed = before != _optimizer_signature(model, optimizer)
    if not functions.are_current(model, signature):
        functions.install(model, signature)
        compat.record_trainable_flags(model)
        changed = True
    return changed


def _check(model):
    if not getattr(model, "compiled", False):
        raise ValueError(
            f"The model {model.name!r} is not compiled. Call "
            "`model.compile(optimizer, loss)` before a transition."
        )
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has no weights yet. Call it on a batch "
            "of data, or give it an Input, before a transition."
        )


def _activate(model, optimizer, multiplier_of, warmup_steps):
    trainable = model.trainable_variables
    optimizer.activate(
        trainable,
        model_weights=model.weights,
        multiplier_of=multiplier_of,
        warmup_steps=warmup_steps,
    )
    if not model.optimizer.built:
        # Loss scaling around ours has variables of its own.
        model.optimizer.build(trainable)


def _flags(model) -> Hashable:
    # Layer flags too: BatchNormalization reads its own while it is traced.
    return (
        tuple(layer.trainable for layer in compat.sublayers(model)),
        tuple(variable.trainable for variable in model.weights),
    )


def _optimizer_signature(model, optimizer) -> Hashable:
    return (
        tuple(id(v) for v in optimizer.active_variables()),
        tuple((id(c), c.multiplier) for c in optimizer.cohorts()),
    )
