"""What is asked of a network: images and the score to explain on them."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.explaining import spatial
from keras_transfer.explaining.graph import Place
from keras_transfer.explaining.graph_models import graph_model
from keras_transfer.explaining.network import Network
from keras_transfer.explaining.targets import Target
from keras_transfer.explaining.targets import score_function


@dataclasses.dataclass(frozen=True)
class Question:
    """A network, its images, and the score that is explained.

    Args:
        network: The network.
        inputs: One batch for each of its inputs.
        score: Function from logits to one score for each image.
        logits: The logits of the images.
    """

    network: Network
    inputs: list[np.ndarray]
    score: Callable[[Any], Any]
    logits: np.ndarray


def ask(
    model: keras.Model,
    images: Any,
    target: Target = None,
    output: str | int | None = None,
) -> Question:
    """Returns a question whose parts were checked.

    Args:
        model: Any Keras model.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        output: As for `grad_cam`.

    Raises:
        ValueError: If images, class or output do not fit the model.
        TypeError: If they are of the wrong kind.
    """
    model = graph_model(model)
    network = Network(model, output)
    inputs = model_images.as_inputs(model, images)
    logits, _ = network.forward(inputs)
    score = score_function(target, logits, network.class_names)
    return Question(network, inputs, score, logits)


def ask_for_maps(
    model: keras.Model,
    images: Any,
    target: Target = None,
    at: str | None = None,
    output: str | int | None = None,
    fine: bool = False,
) -> tuple[Question, Place, np.ndarray]:
    """Returns a question with the place of the maps and the activation there.

    Args:
        model: Any Keras model.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        at: As for `grad_cam`.
        output: As for `grad_cam`.
        fine: Whether the maps, where `at` is `None`, are those before the
            last loss of resolution. Defaults to False: the last ones.

    Raises:
        ValueError: If an argument does not fit the model.
        TypeError: If one is of the wrong kind.
    """
    model = graph_model(model)
    network = Network(model, output)
    if at is None and fine:
        place = spatial.place_of_fine_maps(network)
    else:
        place = spatial.place_of_maps(network, at)
    inputs = model_images.as_inputs(model, images)
    logits, (activation,) = network.forward(inputs, [place])
    score = score_function(target, logits, network.class_names)
    return Question(network, inputs, score, logits), place, activation
