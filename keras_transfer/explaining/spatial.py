"""Where in a network there are maps of the image."""

import numpy as np

from keras_transfer.explaining.graph import Place
from keras_transfer.explaining.network import Network
from keras_transfer.structure import anatomy


def place_of_maps(network: Network, at: str | None) -> Place:
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
            f"The output of {at!r} has the shape {tuple(place.tensor.shape)}, "
            "which has no positions to draw a map of. Expected (batch, "
            "height, width, channels) or (batch, tokens, channels)."
        )
    return place


def place_of_fine_maps(network: Network) -> Place:
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
        found = [p for p in network.places if p.tensor is end]
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
    shape = tuple(place.tensor.shape)
    if len(shape) == 4:
        return not (shape[1] == 1 and shape[2] == 1)
    return len(shape) == 3 and shape[1] not in (None, 1)
