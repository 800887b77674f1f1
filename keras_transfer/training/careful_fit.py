"""What `fit` does besides training: it checks data and watches the loss."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.callbacks.stop_on_nan import StopOnNaN
from keras_transfer.callbacks.training_history import RecordHistory
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import first_batch


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
