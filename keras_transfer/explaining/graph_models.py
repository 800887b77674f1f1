"""The static graph behind any model that is to be explained."""

from typing import Any

import keras
import numpy as np

from keras_transfer.extraction.calls import has_graph
from keras_transfer.heads import auxiliary_model
from keras_transfer.heads import auxiliary_removal


def graph_model(model: keras.Model, images: Any) -> keras.Model:
    """Returns a model with a static graph that computes the same.

    A Functional or Sequential model is returned itself, without its auxiliary
    heads; the `call` of a subclassed one is traced with symbolic images.

    Args:
        model: Any Keras model.
        images: What the model will be called on: the shape of a subclassed
            model's input.

    Raises:
        TypeError: If `model` is no Keras model, or a subclassed one comes
            without an array of images.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. Received: {model!r} of type "
            f"{type(model).__name__}."
        )
    if isinstance(model, auxiliary_model.AuxiliaryModel):
        return auxiliary_removal.without_auxiliary_heads(model)
    return model if has_graph(model) else _traced(model, images)


def _traced(model, images):
    if not hasattr(images, "shape"):
        raise TypeError(
            f"The subclassed model {model.name!r} does not tell the shape of "
            "its input: pass images as an array of shape (batch, height, "
            f"width, channels). Received: {type(images).__name__}."
        )
    shape = np.shape(images)[-3:]
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built, so it has no weights "
            "to explain. Call it on images or load its weights first."
        )
    symbolic = keras.Input(shape, name="image")
    try:
        return keras.Model(symbolic, model.call(symbolic))
    except Exception as error:
        error.add_note(
            f"Explanations follow the graph of a model. {model.name!r} is a "
            "subclassed model whose `call` cannot be traced with symbolic "
            "tensors: write it with Keras layers and keras.ops, without "
            "branches that depend on values."
        )
        raise
