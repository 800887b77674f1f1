"""The explanations by the names that the command line gives them."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining import gradient_maps
from keras_transfer.explaining import input_gradients
from keras_transfer.explaining import path_integral
from keras_transfer.explaining import rollout
from keras_transfer.explaining import score_maps

_OF_MAPS = ("target", "at", "output")
# Each with the arguments, besides model and images, that it takes.
METHODS: dict[str, tuple[Callable[..., np.ndarray], tuple[str, ...]]] = {
    "grad-cam": (gradient_maps.grad_cam, _OF_MAPS),
    "grad-cam++": (
        gradient_maps.grad_cam_plus_plus,
        ("target", "at", "output"),
    ),
    "layer-cam": (gradient_maps.layer_cam, _OF_MAPS),
    "score-cam": (score_maps.score_cam, _OF_MAPS),
    "eigen-cam": (score_maps.eigen_cam, ("at", "output")),
    "saliency": (input_gradients.saliency, ("target", "output")),
    "smoothgrad": (
        functools.partial(input_gradients.saliency, samples=25),
        ("target", "output"),
    ),
    "integrated-gradients": (
        path_integral.integrated_gradients,
        ("target", "output"),
    ),
    "attention-rollout": (rollout.attention_rollout, ()),
}


def check_method(method: str, arguments: dict[str, Any]) -> None:
    """Raises if a method does not take one of the arguments that are given.

    Args:
        method: One of `METHODS`.
        arguments: Arguments by name; `None` is not given.

    Raises:
        ValueError: With the arguments that the method takes.
    """
    _, taken = METHODS[method]
    for name, value in arguments.items():
        if value is not None and name not in taken:
            raise ValueError(
                f"The method {method!r} takes no {name!r}: what it shows is "
                + (
                    "the same for all classes."
                    if name in ("target", "output")
                    else "about the pixels, not about a layer."
                    if "target" in taken
                    else "about all layers."
                )
            )


def explain(
    model: keras.Model, images: Any, method: str, arguments: dict[str, Any]
) -> np.ndarray:
    """Returns what a method shows, `(batch, height, width)`.

    Args:
        model: The model.
        images: A batch of pixels.
        method: One of `METHODS`.
        arguments: Arguments that were checked; `None` is not given.
    """
    function, _ = METHODS[method]
    given = {name: v for name, v in arguments.items() if v is not None}
    return function(model, images, **given)
