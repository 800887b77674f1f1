"""What is asked of a network: images, a score to explain, where to look."""

import dataclasses
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.explaining.graph import graph_model
from keras_transfer.explaining.network import Network
from keras_transfer.explaining.targets import Target
from keras_transfer.explaining.targets import score_function
from keras_transfer.structure import anatomy
from keras_transfer.structure.graph import Ref

_MANY = 20


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
    score = score_function(target, logits, network.class_names, network.kind)
    return Question(network, inputs, score, logits)


def ask_for_maps(
    model: keras.Model,
    images: Any,
    target: Target = None,
    at: str | None = None,
    output: str | int | None = None,
    fine: bool = False,
) -> tuple[Question, Ref, np.ndarray]:
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
        place = place_of_fine_maps(network)
    else:
        place = place_of_maps(network, at)
    inputs = model_images.as_inputs(model, images)
    logits, (activation,) = network.forward(inputs, [place])
    score = score_function(target, logits, network.class_names, network.kind)
    return Question(network, inputs, score, logits), place, activation


def place_of_maps(network: Network, at: str | None) -> Ref:
    """Returns the place whose activation is explained.

    Args:
        network: The network.
        at: A stage or the path of a layer. Defaults to `None`: the last
            layer whose output still has positions.

    Raises:
        ValueError: If there is no such layer, or its output has no positions.
        TypeError: If `at` is no string.
    """
    if at is None:
        spatial = [p for p in network.places if _has_positions(p)]
        if not spatial:
            raise ValueError(
                f"The model {network.model.name!r} has no layer whose output "
                "has positions, (batch, height, width, channels), so there is "
                "nowhere to draw a map. `kt.saliency` and "
                "`kt.integrated_gradients` explain its input."
            )
        return spatial[-1]
    place = network.place(at)
    if not _has_positions(place):
        raise ValueError(
            f"The output of {at!r} has the shape {tuple(place.spec.shape)}, "
            "which has no positions to draw a map of. Expected (batch, "
            "height, width, channels) or (batch, tokens, channels)."
        )
    return place


def place_of_fine_maps(network: Network) -> Ref:
    """Returns the end of the last stage whose maps are finer than the last.

    Where there is none, as in a transformer of one resolution, it is the last
    layer whose output has positions.

    Args:
        network: The network.

    Raises:
        ValueError: If no output has positions.
    """
    parts = anatomy.dissect(network.model)
    known = [stage for stage in parts.stages if stage.reduction is not None]
    finer = [s for s in known if s.reduction < known[-1].reduction]
    if finer:
        end = parts.backbone.get_layer(finer[-1].last_layer).output
        # An output that is explained may not depend on the backbone.
        found = [p for p in network.places if p.spec is end]
        if found and _has_positions(found[-1]):
            return found[-1]
    return place_of_maps(network, None)


def image_size_of(inputs: list[np.ndarray]) -> tuple[int, int]:
    """Returns height and width of the first input that is an image.

    Raises:
        ValueError: If no input is.
    """
    for batch in inputs:
        if batch.ndim == 4:
            return batch.shape[1:3]
    raise ValueError(
        "None of the model's inputs is an image, (batch, height, width, "
        f"channels). Received: {[batch.shape for batch in inputs]}."
    )


def _has_positions(place):
    shape = tuple(place.spec.shape)
    if len(shape) == 4:
        return not (shape[1] == 1 and shape[2] == 1)
    return len(shape) == 3 and shape[1] not in (None, 1)


def steps_shown(steps: Sequence[int], description: str) -> Iterable[int]:
    """Yields steps, with a bar on stderr where that is a terminal.

    Args:
        steps: The steps; the bar is left out where there are few.
        description: What stands before the bar.
    """
    from rich.console import Console
    from rich.progress import track

    return track(
        steps,
        description=description,
        console=Console(stderr=True),
        disable=len(steps) < _MANY or not sys.stderr.isatty(),
        transient=True,
    )
