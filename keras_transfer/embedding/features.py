"""The check that what is embedded are features, not classes."""

from typing import Any

import keras

from keras_transfer.structure import anatomy

_OF_CLASSES = ("softmax", "sigmoid", "log_softmax")


def check_features(model: keras.Model, at: Any) -> None:
    """Raises if a classifier without a nested backbone is to be embedded whole.

    The backbone of such a model is the model itself, and its output would be
    the probabilities of classes, which make poor embeddings.

    Args:
        model: Any Keras model.
        at: The activation that is asked for.

    Raises:
        ValueError: With what to ask for.

    Example:
    >>> check_features(keras.Sequential([keras.Input((8, 8, 3))]), "backbone")
    """
    if at != "backbone" or not model.layers or anatomy.dissect(model).path:
        return
    last = model.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if activation in _OF_CLASSES or isinstance(last, keras.layers.Softmax):
        before = [layer.name for layer in model.layers[-3:-1]]
        raise ValueError(
            f"The model {model.name!r} has no nested backbone; its output is "
            "probabilities of classes, no features. Name the layer to embed: "
            f"`at=`. Before the classes there are {before}."
        )
