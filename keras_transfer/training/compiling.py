"""Compilation with the loss that fits the head, and a `fit` that checks."""

import functools
import inspect
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer.checks import classifier_loss
from keras_transfer.checks import first_batch
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.structure.output_records import recorded_tasks
from keras_transfer.training import arguments
from keras_transfer.training import choices


def compile_for_transfer(
    model: keras.Model,
    optimizer: Any = "adam",
    *,
    learning_rate: float | None = None,
    one_hot: bool = False,
    label_smoothing: float = 0.0,
    metrics: Any = None,
    task: str | Mapping[str, str] | None = None,
    **compile_arguments: Any,
) -> keras.Model:
    """Compiles a model with the losses and the metrics that fit its outputs.

    They follow from the operation behind each output, which is read from the
    graph, and from the task of the head: crossentropy and accuracy for
    probabilities of classes or logits of a known head; binary crossentropy,
    accuracy, mean average precision and F1 for several labels at once;
    squared error, MAE and R2 for numbers. Where the graph does not tell, an
    error says what to pass.

    Afterwards this model's `fit` and `evaluate` also check their data, as
    `kt.fit` does for any model: labels that the loss would misread, booleans
    and NaN raise a `ValueError` before the first step, pixels scaled to 0-1
    cause a warning, and a loss that becomes NaN ends the training with an
    error.

    Args:
        model: Any model. A subclassed one, whose outputs cannot be read from
            a graph, needs `loss`.
        optimizer: Name or instance. It is wrapped in a `TransferOptimizer`,
            whose updates are bit-identical and stay exact when layers are
            frozen or thawed. Defaults to `"adam"`.
        learning_rate: Replaces the optimizer's learning rate. Defaults to
            `None`: the optimizer's own.
        one_hot: Whether labels of classes are one-hot, or probabilities as of
            MixUp, instead of class numbers. Defaults to `False`.
        label_smoothing: Between 0 and 1, for one-hot labels, several labels
            or a single unit. Defaults to 0.
        metrics: What `compile` takes. Defaults to `None`: those that fit the
            loss.
        task: What the outputs stand for, as of heads: `"classification"`,
            `"multi_label"`, `"regression"` or `"ordinal"`; a dictionary for
            several outputs. Defaults to `None`: what the head and the graph
            tell.
        **compile_arguments: Anything else that `compile` takes. For several
            outputs `loss` is a dictionary or a list, as of `compile`.

    Returns:
        The model itself.

    Raises:
        ValueError: If the arguments contradict the outputs, such as a loss
            that expects probabilities after a head that returns logits, or if
            a loss must be passed.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    >>> kt.compile_for_transfer(model).loss.name
    'sparse_categorical_crossentropy'
    """
    recorded = recorded_tasks(model)
    if "loss" not in compile_arguments:
        compile_arguments["loss"] = choices.losses_of(
            model, recorded, task, one_hot, label_smoothing
        )
    loss = compile_arguments["loss"]
    classifier_loss.check_loss(model, loss)
    if metrics is None:
        metrics = choices.metrics_of(model, loss, recorded)
    optimizer = wrap_optimizer(optimizer)
    if learning_rate is not None:
        optimizer.learning_rate = learning_rate
    model.compile(optimizer, metrics=metrics, **compile_arguments)
    _check_data_in_fit(model)
    return model


def plain_fit(model: keras.Model) -> Callable:
    """Returns the `fit` of a model's class, which checks nothing.

    Args:
        model: A compiled model.
    """
    own = vars(model).get("fit")
    if hasattr(own, "__wrapped__"):
        return functools.partial(own.__wrapped__, model)
    return model.fit


def _check_data_in_fit(model):
    """Makes `fit` and `evaluate` of this model check their data first.

    Callbacks do not see the data, and a loss sees them inside a compiled step,
    which cannot raise a readable error. So those of the instance are wrapped;
    the model's class and what is saved of it remain Keras's own.
    """
    fit, evaluate = type(model).fit, type(model).evaluate
    signatures = inspect.signature(fit), inspect.signature(evaluate)

    @functools.wraps(fit)
    def checked_fit(*args, **kwargs):
        given = signatures[0].bind(model, *args, **kwargs).arguments
        return fit(**arguments.prepare(model, given))

    @functools.wraps(evaluate)
    def checked_evaluate(*args, **kwargs):
        # `fit` evaluates what it was given, which has been checked.
        if not any(name.startswith("_") for name in kwargs):
            given = signatures[1].bind(model, *args, **kwargs).arguments
            data = given.get("x"), given.get("y")
            first_batch.check_data(model, *data)
        return evaluate(model, *args, **kwargs)

    object.__setattr__(model, "fit", checked_fit)
    object.__setattr__(model, "evaluate", checked_evaluate)
