"""Exchange of optimizers: stock ones for ours and back, with their state."""

import contextlib
import warnings
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.optimizer import saved_state
from keras_transfer.optimizer import step_functions
from keras_transfer.optimizer import stock_state
from keras_transfer.optimizer.loss_scaling import TransferLossScaleOptimizer
from keras_transfer.optimizer.transfer_optimizer import TransferOptimizer


def adopt_optimizer(model: keras.Model) -> TransferOptimizer:
    """Makes a compiled model's optimizer ours, in place; does so only once.

    Slots, moments, counters and the learning rate are carried over bit for
    bit. A stock optimizer that has not taken a step gives nothing, so that no
    slot exists for a weight that never trains.

    Call it before a checkpoint is restored into the model. A callback does so
    in `set_model`, which Keras calls before any callback's `on_train_begin`.

    Args:
        model: A compiled model.

    Returns:
        The optimizer, without the loss scaling that may be around it.

    Raises:
        ValueError: If the model is not compiled or its optimizer cannot train
            groups of weights apart.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile("adam", loss="mse")
    >>> kt.adopt_optimizer(model) is model.optimizer
    True
    """
    stock = getattr(model, "optimizer", None)
    if stock is None:
        raise ValueError(
            f"The model {model.name!r} has no optimizer. Call "
            "`model.compile(optimizer, loss)` first."
        )
    if is_wrapped(stock):
        return unwrap_optimizer(stock)
    with strategy_scope(model):
        ours = _convert(stock)
    compat.replace_optimizer(model, ours)
    step_functions.remake(model)
    return unwrap_optimizer(ours)


def release_optimizer(model: keras.Model) -> keras.optimizers.Optimizer:
    """Gives a model a stock optimizer again, in place, with the state it has.

    A file saved afterwards can be loaded, compiled, without this library.

    A stock optimizer has one step counter, which becomes that of the oldest
    cohort, and one learning rate for all weights: multipliers are left behind
    with a warning.

    Args:
        model: A compiled model. If its optimizer is a stock one, nothing
            happens.

    Returns:
        The stock optimizer.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile(wrap_optimizer("adam"), loss="mse")
    >>> isinstance(release_optimizer(model), keras.optimizers.Adam)
    True
    """
    ours = model.optimizer
    if ours is None or not is_wrapped(ours):
        return ours
    with strategy_scope(model):
        stock = _revert(ours, model.trainable_variables)
    compat.replace_optimizer(model, stock)
    step_functions.remake(model)
    return stock


def strategy_scope(model: keras.Model) -> Any:
    """Returns the scope in which variables for a model must be created.

    Variables created outside the scope of a distribution strategy are not
    mirrored, and nothing says so.
    """
    strategy = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _convert(stock):
    ours = wrap_optimizer(stock)
    inner = unwrap_optimizer(ours)
    bare = stock
    if isinstance(stock, keras.optimizers.LossScaleOptimizer):
        bare = stock.inner_optimizer
    if bare is not inner and bare.built and compat.steps_taken(bare):
        inner.build(compat.optimizer_weights(bare))
        store: dict[str, Any] = {}
        saved_state.write_state(store, stock_state.state_of(bare))
        inner.load_own_variables(store)
    if bare is not stock and stock.built:
        ours.build(inner.active_variables())
        _copy_scale(stock, ours)
    return ours


def _revert(ours, trainable):
    inner = unwrap_optimizer(ours)
    bare = inner.create_stock()
    stock = bare
    if isinstance(ours, TransferLossScaleOptimizer):
        stock = keras.optimizers.LossScaleOptimizer(
            bare,
            initial_scale=ours.initial_scale,
            dynamic_growth_steps=ours.dynamic_growth_steps,
        )
    if not inner.built:
        return stock
    stock.build(trainable)
    if stock is not bare:
        _copy_scale(ours, stock)
    _copy_slots(inner, bare, trainable)
    _copy_own(inner, bare)
    return stock


def _copy_slots(ours, stock, trainable):
    counters, slots = compat.optimizer_state(stock)
    cohorts = ours.cohorts()
    if any(cohort.multiplier != 1 for cohort in cohorts):
        warnings.warn(
            "A stock optimizer has one learning rate for all weights: the "
            "multipliers are left behind.",
            stacklevel=4,
        )
    if cohorts:
        for name, value in cohorts[0].read_state().counters.items():
            counters[name].assign(value)
    for cohort in cohorts:
        state = cohort.read_state()
        saved = zip(cohort.variables, state.slots, strict=True)
        values = {id(variable): slot for variable, slot in saved}
        for place, variable in enumerate(trainable):
            for name, value in values.get(id(variable), {}).items():
                slots[name][place].assign(value)


def _copy_own(source, target):
    destination = stock_state.own_values(target)
    for name, variable in stock_state.own_values(source).items():
        destination[name].assign(keras.ops.convert_to_numpy(variable))


def _copy_scale(source, target):
    for name in ("step_counter", "dynamic_scale"):
        value = keras.ops.convert_to_numpy(getattr(source, name))
        getattr(target, name).assign(value)


def wrap_optimizer(
    optimizer: Any = "adam",
    *,
    drop_frozen_slots: bool = False,
) -> TransferOptimizer | TransferLossScaleOptimizer:
    """Returns an optimizer that lets layers be frozen and thawed in training.

    Prefer it to `adopt_optimizer` for a model that is yet to be compiled.

    Args:
        optimizer: A stock optimizer: an instance, a name or a config. One that
            already is ours is returned itself. Defaults to `"adam"`.
        drop_frozen_slots: Whether the slots of weights that are frozen again
            are given up, which frees their memory; thawed once more, they
            begin with new slots. Defaults to `False`: they are kept.

    Raises:
        TypeError: If it is no optimizer.
        ValueError: For optimizers that cannot train groups of weights apart
            or would replace pretrained weights, and for subclasses whose
            `get_config` does not tell all.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> kt.wrap_optimizer(keras.optimizers.SGD(0.1, momentum=0.9)).name
    'transfer_optimizer'
    """
    if is_wrapped(optimizer):
        if drop_frozen_slots:
            unwrap_optimizer(optimizer).drop_frozen_slots = True
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return TransferLossScaleOptimizer(
            wrap_optimizer(
                optimizer.inner_optimizer, drop_frozen_slots=drop_frozen_slots
            ),
            initial_scale=optimizer.initial_scale,
            dynamic_growth_steps=optimizer.dynamic_growth_steps,
            name=optimizer.name,
        )
    return TransferOptimizer(optimizer, drop_frozen_slots=drop_frozen_slots)


def is_wrapped(optimizer: Any) -> bool:
    """Whether an optimizer is ours, loss scaling included."""
    return isinstance(
        optimizer, (TransferOptimizer, TransferLossScaleOptimizer)
    )


def unwrap_optimizer(optimizer: Any) -> TransferOptimizer:
    """Returns our optimizer from inside its loss scaling, if there is any.

    Raises:
        TypeError: If the optimizer is not ours.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not isinstance(optimizer, TransferOptimizer):
        raise TypeError(
            "Expected an optimizer of keras_transfer. Received: "
            f"{type(optimizer).__name__}. Compile with "
            "`keras_transfer.wrap_optimizer(...)`, or call "
            "`kt.adopt_optimizer(model)`."
        )
    return optimizer
