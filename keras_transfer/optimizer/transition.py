"""What makes an optimizer follow a model's flags, or the state in a file."""

import contextlib
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.optimizer import adoption
from keras_transfer.optimizer import step_functions
from keras_transfer.optimizer import stock_state
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


@contextlib.contextmanager
def ready_optimizer(
    model: keras.Model, shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[None]:
    """Lets Keras load a file's optimizer state, or refuses it.

    A plain optimizer becomes ours if the state is ours; otherwise it is built,
    since Keras passes over the state of what is not built. State that was
    loaded finds its weights at the end. Whatever fails, the optimizer
    is as it was before.

    Args:
        model: A built model, compiled or not.
        shapes: Shapes of what the file holds for the optimizer, by name. If
            it is empty, the optimizer is set aside.

    Raises:
        ValueError: If the state does not fit, naming weights.
    """
    before = getattr(model, "optimizer", None)
    if before is None:
        yield
    elif not shapes:
        model.optimizer = None
        try:
            yield
        finally:
            model.optimizer = before
    else:
        with _kept_on_failure(model):
            if adoption.is_wrapped(before) or _is_ours(shapes):
                # Tells ours which weights there are, and which are open.
                transition(model)
            else:
                _build(model, shapes)
            yield
            if adoption.is_wrapped(model.optimizer):
                transition(model)


def _is_ours(shapes):
    return any(name.endswith("/description") for name in shapes)


def _build(model, shapes):
    with adoption.strategy_scope(model):
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
    # Loss scaling lists what is inside it as well.
    listed = [n for n in shapes if n.startswith("optimizer/vars/")]
    listed.sort(key=lambda name: int(name.rpartition("/")[2]))
    stock_state.check_fits(model.optimizer, [shapes[n] for n in listed])


@contextlib.contextmanager
def _kept_on_failure(model):
    optimizer = model.optimizer
    was_built = optimizer.built
    values = [keras.ops.copy(v) for v in optimizer.variables]
    own: dict[str, Any] = {}
    if adoption.is_wrapped(optimizer):
        adoption.unwrap_optimizer(optimizer).save_own_variables(own)
    try:
        yield
    except Exception:
        if model.optimizer is not optimizer:
            compat.replace_optimizer(model, optimizer)
            step_functions.remake(model)
        if own:
            inner = adoption.unwrap_optimizer(optimizer)
            inner.load_own_variables(own)
            inner.built = optimizer.built = was_built
        # In the order of before: whatever was built since comes after.
        for variable, value in zip(optimizer.variables, values, strict=False):
            variable.assign(value)
        raise
