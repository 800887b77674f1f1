"""Compilation with the loss that fits the head, and a `fit` that checks."""

import functools
import inspect
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.callbacks.stop_on_nan import StopOnNaN
from keras_transfer.callbacks.training_history import RecordHistory
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import first_batch
from keras_transfer.checks.classifier_loss import output_activation
from keras_transfer.optimizer import wrap_optimizer

_LOGITS = (None, "linear")


def compile_for_transfer(
    model: keras.Model,
    optimizer: Any = "adam",
    *,
    learning_rate: float | None = None,
    one_hot: bool = False,
    label_smoothing: float = 0.0,
    metrics: Any = None,
    **compile_arguments: Any,
) -> keras.Model:
    """Compiles a classifier with the loss and the metrics that fit its head.

    The loss follows from the head: class probabilities or logits, one unit or
    many. Afterwards this model's `fit` also checks its data, as `kt.fit` does
    for any model: labels outside `[0, num_classes)`, booleans and NaN raise a
    `ValueError` before the first step, pixels scaled to 0-1 cause a warning,
    and a loss that becomes NaN ends the training with an error.

    Args:
        model: A model that `build_model` made, or any classifier that ends
            in a softmax or sigmoid layer or in logits of a known head.
        optimizer: Name or instance. It is wrapped in a `TransferOptimizer`,
            whose updates are bit-identical and stay exact when layers are
            frozen or thawed. Defaults to `"adam"`.
        learning_rate: Replaces the optimizer's learning rate. Defaults to
            `None`: the optimizer's own.
        one_hot: Whether labels are one-hot instead of class numbers. Defaults
            to `False`.
        label_smoothing: Between 0 and 1, for one-hot labels or a single unit.
            Defaults to 0.
        metrics: What `compile` takes. Defaults to `None`: accuracy.
        **compile_arguments: Anything else that `compile` takes.

    Returns:
        The model itself.

    Raises:
        ValueError: If the arguments contradict the head, such as a loss that
            expects probabilities after a head that returns logits.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    >>> kt.compile_for_transfer(model).loss.name
    'sparse_categorical_crossentropy'
    """
    optimizer = wrap_optimizer(optimizer)
    if learning_rate is not None:
        optimizer.learning_rate = learning_rate
    from_logits = output_activation(model) in _LOGITS
    if "loss" not in compile_arguments:
        compile_arguments["loss"] = _loss(
            model, from_logits, one_hot, label_smoothing
        )
    classifier_loss.check_loss(model, compile_arguments["loss"])
    if metrics is None:
        metrics = [_accuracy(model, from_logits, one_hot)]
    model.compile(optimizer, metrics=metrics, **compile_arguments)
    _check_data_in_fit(model)
    return model


def _loss(model, from_logits, one_hot, label_smoothing):
    if model.output_shape[-1] == 1:
        return keras.losses.BinaryCrossentropy(
            from_logits=from_logits, label_smoothing=label_smoothing
        )
    if one_hot:
        return keras.losses.CategoricalCrossentropy(
            from_logits=from_logits, label_smoothing=label_smoothing
        )
    if label_smoothing:
        raise ValueError(
            "`label_smoothing` needs one-hot labels: pass one_hot=True and "
            f"labels of shape (batch, {model.output_shape[-1]}). Received: "
            f"label_smoothing={label_smoothing}, one_hot=False."
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def _accuracy(model, from_logits, one_hot):
    if model.output_shape[-1] == 1:
        return keras.metrics.BinaryAccuracy(
            name="accuracy", threshold=0.0 if from_logits else 0.5
        )
    if one_hot:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


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
    """Makes this model's `fit` check its data first.

    Callbacks do not see the data, and a loss sees them inside a compiled step,
    which cannot raise a readable error. So the instance's `fit` is wrapped; the
    model's class and what is saved of it remain Keras's own.
    """
    fit = type(model).fit
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def checked_fit(*args, **kwargs):
        arguments = signature.bind(model, *args, **kwargs).arguments
        return fit(**prepare(model, arguments))

    object.__setattr__(model, "fit", checked_fit)


def prepare(model: keras.Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the data of a training; returns the arguments to train with.

    Args:
        model: A compiled model.
        arguments: Those of `fit`, by name.

    Returns:
        The same with callbacks that record the history and stop at NaN.

    Raises:
        ValueError: As `first_batch.check_data`.
    """
    _check_data(model, arguments)
    prepared = {**arguments, "callbacks": _watched(arguments.get("callbacks"))}
    if hasattr(arguments.get("x"), "element_spec"):
        # A dataset shuffles itself; Keras warns unless told not to.
        prepared.setdefault("shuffle", False)
    return prepared


def _check_data(model, arguments):
    is_plain = (
        compat.is_graph(model)
        and len(model.inputs) == 1
        and len(model.outputs) == 1
    )
    if not is_plain:
        return  # Models with several inputs or outputs are left to Keras.
    x, y = arguments.get("x"), arguments.get("y")
    # Other losses may take any labels, such as real numbers.
    classifies = classifier_loss.is_crossentropy(model.loss)
    first_batch.check_data(model, x, y, classifies)
    validation = arguments.get("validation_data")
    if isinstance(validation, (tuple, list)) and len(validation) > 1:
        first_batch.check_data(model, *validation[:2], classifies)
    elif validation is not None:
        first_batch.check_data(model, validation, None, classifies)


def _watched(callbacks):
    """Puts our callbacks first: what is saved after an epoch has its figures.

    A `CallbackList` is left as its maker made it.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    given = callbacks if isinstance(callbacks, Sequence) else [callbacks]
    given = [callback for callback in given if callback is not None]
    stoppers = (StopOnNaN, keras.callbacks.TerminateOnNaN)
    # Whoever stops at NaN in another way has said how.
    added = [] if any(isinstance(c, stoppers) for c in given) else [StopOnNaN()]
    return [RecordHistory(), *added, *given]
