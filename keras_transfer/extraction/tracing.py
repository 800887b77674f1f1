"""Tracing: the graph of what a subclassed model does."""

import inspect
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.extraction import kept


class Trace(NamedTuple):
    """What came of tracing a model.

    Args:
        model: A Functional model over the same layers, or None.
        obstacle: Why there is none.
    """

    model: keras.Model | None
    obstacle: str = ""


def trace(model: keras.Model) -> Trace:
    """Calls a subclassed model on symbolic inputs and keeps its graph.

    That works where its `call` is made of Keras layers and `keras.ops`, and
    does not branch on values. What a composite layer does inside stays hidden.

    Args:
        model: A built model without a graph.
    """
    # Also a failure is kept: the layers that were reached remember the attempt.
    return kept.keep(model, "trace", lambda: _trace(model))


def _trace(model):
    inputs = _inputs_of(model)
    if inputs is None:
        return Trace(None, "the shape of its input is not recorded")
    options = {}
    if "training" in inspect.signature(model.call).parameters:
        options["training"] = False
    # Whatever a `call` raises on symbolic tensors, it says no more than that
    # this model has to be run to see what it does. It is run then, and an
    # error of its own appears there.
    try:
        outputs = model.call(inputs, **options)
        traced = keras.Model(
            inputs, outputs, name=model.name, trainable=model.trainable
        )
    except Exception as error:
        return Trace(None, f"{type(error).__name__}: {error}")
    return Trace(traced)


def _inputs_of(model) -> Any:
    """Symbolic inputs of the shape that the model was built with."""
    shape = (model.get_build_config() or {}).get("input_shape")
    if shape is None:
        return None
    return keras.tree.map_shape_structure(
        lambda size: keras.Input(batch_shape=(None, *size[1:])), shape
    )
