"""What `fit` does beside training: it looks at data, and watches the loss."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.callbacks.stop_on_nan import StopOnNaN
from keras_transfer.callbacks.training_history import RecordHistory
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import first_batch


def check_data(model: keras.Model, arguments: Mapping[str, Any]) -> None:
    """Checks the data that a call of `fit` is about to train on.

    Args:
        model: A compiled model. One with several inputs or outputs is left to
            Keras.
        arguments: Those of `fit`, by their names.

    Raises:
        ValueError: As `first_batch.check_data`.
    """
    is_plain = (
        compat.is_graph(model)
        and len(model.inputs) == 1
        and len(model.outputs) == 1
    )
    if not is_plain:
        return
    x, y = arguments.get("x"), arguments.get("y")
    # What else a network learns with, such as numbers, is nobody's mistake.
    classifies = classifier_loss.is_crossentropy(model.loss)
    first_batch.check_data(model, x, y, classifies)
    validation = arguments.get("validation_data")
    if isinstance(validation, (tuple, list)) and len(validation) > 1:
        first_batch.check_data(model, *validation[:2], classifies)
    elif validation is not None:
        first_batch.check_data(model, validation, None, classifies)


def watched(callbacks: Any) -> Any:
    """Returns callbacks with those that note the history and stop at NaN.

    They stand first, so that what is saved after an epoch has its figures. A
    `CallbackList` stays what its maker made it.

    Args:
        callbacks: What `fit` takes as `callbacks`.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    given = callbacks if isinstance(callbacks, Sequence) else [callbacks]
    given = [callback for callback in given if callback is not None]
    stoppers = (StopOnNaN, keras.callbacks.TerminateOnNaN)
    # Who stops at NaN in another way has said how.
    added = [] if any(isinstance(c, stoppers) for c in given) else [StopOnNaN()]
    return [RecordHistory(), *added, *given]
