"""Gradients of scores and losses as arrays, for a look of one's own."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.explaining.differentiation import differentiate
from keras_transfer.explaining.graph import graph_model
from keras_transfer.explaining.network import Network
from keras_transfer.explaining.targets import Target
from keras_transfer.explaining.targets import score_function


def activation_gradients(
    model: keras.Model,
    images: Any,
    at: str | Sequence[str],
    target: Target = None,
    *,
    output: str | int | None = None,
) -> dict[str, np.ndarray]:
    """Returns how the score of a class depends on activations.

    What class activation maps are made of.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        at: A stage or the path of a layer, or several of them.
        target: As for `grad_cam`.
        output: As for `grad_cam`.

    Returns:
        An array of the shape of the activation by each name in `at`.

    Raises:
        ValueError: If images, class, layer or output do not fit the model.
        TypeError: If they are of the wrong kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    >>> gradients = kt.activation_gradients(model, np.ones((8, 8, 3)), "conv")
    >>> gradients["conv"].shape
    (1, 6, 6, 4)
    """
    model = graph_model(model)
    network = Network(model, output)
    names = [at] if isinstance(at, str) else list(at)
    places = [network.place(name) for name in names]
    inputs = model_images.as_inputs(model, images)
    logits, activations = network.forward(inputs, places)
    score = score_function(target, logits, network.class_names, network.kind)
    # One at a time: a given activation hides those below it.
    return {
        name: network.gradients(inputs, score, {place: activation})[0]
        for name, place, activation in zip(
            names, places, activations, strict=True
        )
    }


def weight_gradients(
    model: keras.Model, images: Any, labels: Any
) -> dict[str, np.ndarray]:
    """Returns the gradient of the loss for each trainable weight.

    A weight without gradient learns nothing from these images. Dropout and
    statistics rest, as in `evaluate`.

    Args:
        model: A compiled model.
        images: As for `grad_cam`.
        labels: Labels of the images, as `fit` takes them.

    Returns:
        An array by the path of each trainable weight.

    Raises:
        ValueError: If the model is not compiled or the images do not fit it.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(1, name="score")])
    >>> model.compile(loss="mse")
    >>> gradients = kt.weight_gradients(model, np.ones((1, 8, 8, 3)), [[2.0]])
    >>> sorted(path.rpartition("/")[2] for path in gradients)
    ['bias', 'kernel']
    """
    if not model.compiled:
        raise ValueError(
            f"The model {model.name!r} is not compiled, so it has no loss to "
            "differentiate. Call kt.compile_for_transfer(model) first."
        )
    inputs = model_images.as_inputs(model, images)
    x = inputs[0] if len(inputs) == 1 else inputs
    is_several = len(getattr(model, "outputs", None) or ()) > 1
    y = _tensors(labels, is_several)
    weights = model.trainable_variables
    if not weights:
        raise ValueError(
            f"All weights of {model.name!r} are frozen. Open some of them: "
            "kt.set_trainable(model, ...)."
        )

    def loss(values):
        pairs = list(zip(weights, values, strict=True))
        with keras.StatelessScope(pairs):
            predicted = model(x, training=False)
            return model.compute_loss(x, y, predicted, training=False), None

    _, gradients = differentiate(loss, [weight.value for weight in weights])
    return {
        weight.path: keras.ops.convert_to_numpy(gradient)
        for weight, gradient in zip(weights, gradients, strict=True)
    }


def _tensors(labels, is_several):
    """Labels as tensors, in the structure of several outputs."""
    if isinstance(labels, dict):
        return {name: _tensors(part, False) for name, part in labels.items()}
    if is_several:
        return [_tensors(part, False) for part in labels]
    return keras.ops.convert_to_tensor(np.asarray(labels))
