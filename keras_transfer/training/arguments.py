"""Arguments of `fit`: brought into one form, checked before any work."""

import inspect
import math
import numbers
import types
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer import names
from keras_transfer.callbacks.early_end import ReportEnd
from keras_transfer.callbacks.early_end import StopOnNaN
from keras_transfer.callbacks.training_history import RecordHistory
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import first_batch
from keras_transfer.checks.first_batch import check_labels_given
from keras_transfer.data.catalogue import Catalogue
from keras_transfer.structure import model_info


def prepare(model: keras.Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the data of a training; returns the arguments to train with.

    Args:
        model: A compiled model.
        arguments: Those of `fit`, by name.

    Returns:
        The same as Keras takes them: lists of images as one array, classes in
        `class_weight` as numbers, and callbacks that record the history and
        stop at NaN.

    Raises:
        TypeError: For an argument that `fit` does not have.
        ValueError: As `first_batch.check_data`, and for labels that are
            missing or an unknown class in `class_weight`.
    """
    arguments = dict(arguments)
    x, y = arguments.get("x"), arguments.get("y")
    is_generator = isinstance(x, types.GeneratorType)
    if is_generator:
        first, x = _looked_at(x)
        check_labels_given(model, *first[:2])
        _check_data(model, *first[:2])
    else:
        check_labels_given(model, x, y)
        x, y = _as_arrays(model, x, y)
        _check_data(model, x, y)
    arguments |= {"x": x, "y": y}
    held_out = arguments.get("validation_data")
    if isinstance(held_out, (tuple, list)) and 0 < len(held_out) < 4:
        first, second, *weights = (*held_out, None)[: max(2, len(held_out))]
        check_labels_given(model, first, second, "validation data")
        pair = _as_arrays(model, first, second)
        _check_data(model, *pair)
        arguments["validation_data"] = (*pair, *weights)
    elif held_out is not None:
        check_labels_given(model, held_out, None, "validation data")
        _check_data(model, held_out, None)
    weights = arguments.get("class_weight")
    if weights is not None:
        arguments["class_weight"] = _by_number(model, x, weights)
    arguments["callbacks"] = _watched(arguments.get("callbacks"))
    if not _shuffled_by_fit(x):
        # Keras warns unless it is told not to.
        arguments.setdefault("shuffle", False)
    return arguments


def check_names(fit: Callable, arguments: Iterable[str]) -> None:
    """Raises for an argument that `fit` does not have.

    Args:
        fit: The `fit` of a model.
        arguments: Names.

    Raises:
        TypeError: With the name that was meant.
    """
    known = inspect.signature(fit).parameters
    if any(each.kind is each.VAR_KEYWORD for each in known.values()):
        return
    for name in arguments:
        if name not in known:
            raise TypeError(
                f"`fit` has no argument {name!r}. Expected some of "
                f"{[*known]}.{names.did_you_mean(name, known)}"
            )


def _looked_at(generator):
    """The first batch of a generator, and one that yields all batches."""
    try:
        first = next(generator)
    except StopIteration:
        raise ValueError(
            "The generator yields no batch. Expected one that has not been "
            "used up."
        ) from None

    def again():
        yield first
        yield from generator

    return keras.utils.unpack_x_y_sample_weight(first), again()


def _as_arrays(model, x, y):
    """Lists of images or of labels as arrays; anything else as it is.

    Keras takes a list for several inputs, or outputs, of the model.
    """
    if not compat.is_graph(model):
        return x, y
    if len(model.inputs) == 1 and _is_list(x, len(model.inputs[0].shape)):
        x = _stacked("x", x)
    if len(model.outputs) == 1 and _is_list(y, len(model.outputs[0].shape)):
        y = _stacked("y", y)
    return x, y


def _is_list(data, rank):
    if not isinstance(data, (list, tuple)) or not len(data):
        return False
    return len(data) > 1 or np.ndim(data[0]) < rank - 1


def _stacked(name, data):
    shapes = list(dict.fromkeys(map(np.shape, data)))
    if len(shapes) > 1:
        raise ValueError(
            f"`{name}` is a list of arrays of different shapes, {shapes[0]} "
            f"and {shapes[1]}. Expected one array, or a list of arrays of one "
            "shape: resize the images first, as with keras.ops.image.resize."
        )
    return np.stack([np.asarray(each) for each in data])


def _by_number(model, x, weights):
    """`class_weight` with a weight for every class, by its number."""
    if not isinstance(weights, Mapping):
        raise ValueError(
            "`class_weight` must be a dictionary from classes to weights, "
            f"such as {{0: 1.0, 1: 3.0}}. Received: {weights!r}"
        )
    for key, value in weights.items():
        is_number = isinstance(value, numbers.Real)
        if not is_number or not math.isfinite(value) or value < 0:
            raise ValueError(
                "The weights in `class_weight` must be finite numbers of at "
                f"least 0. Received: {value!r} for {key!r}"
            )
    if not compat.is_graph(model) or len(model.outputs) != 1:
        return weights  # Keras says that it needs one output.
    count = model.outputs[0].shape[-1]
    count = 2 if count == 1 else count
    catalogue = Catalogue.of(x)
    known = (model_info.find(model) or {}).get("class_names") or (
        catalogue.class_names if catalogue is not None else []
    )
    known = {name: number for number, name in enumerate(known)}
    found = {}
    for key, value in weights.items():
        number = known.get(key, key) if isinstance(key, str) else key
        if not isinstance(number, numbers.Real) or number not in range(count):
            classes = f"the classes {[*known]}" if known else "no class names"
            raise ValueError(
                f"`class_weight` has a weight for {key!r}, which is no class. "
                f"The model {model.name!r} has {classes}: expected the numbers "
                f"0 to {count - 1}{', or these names' if known else ''}."
                + names.did_you_mean(str(key), known)
            )
        found[int(number)] = float(value)
    # Of a data set, Keras would drop the classes that are left out.
    return {number: found.get(number, 1.0) for number in range(count)}


def _shuffled_by_fit(x):
    if isinstance(x, keras.utils.PyDataset):
        return hasattr(x, "__len__")
    return all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(x))


def _check_data(model, x, y):
    classifier_loss.check_loss(model, getattr(model, "loss", None))
    first_batch.check_data(model, x, y)


def _watched(callbacks):
    """Puts our callbacks first: what is saved after an epoch has its figures.

    A `CallbackList` is left as its maker made it.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    given = as_list(callbacks)
    stoppers = (StopOnNaN, keras.callbacks.TerminateOnNaN)
    # Whoever stops at NaN in another way has said how.
    added = [] if any(isinstance(c, stoppers) for c in given) else [StopOnNaN()]
    return [RecordHistory(), *added, *given, ReportEnd(given)]


def as_list(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Returns callbacks as a list.

    Args:
        callbacks: What `fit` takes: one, several, none or a `CallbackList`.

    Raises:
        TypeError: For something that is no callback.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    given = [c for c in keras.tree.flatten(callbacks) if c is not None]
    for each in given:
        if not isinstance(each, keras.callbacks.Callback):
            raise TypeError(
                "`callbacks` must be instances of keras.callbacks.Callback. "
                f"Received: {each!r}"
            )
    return given
