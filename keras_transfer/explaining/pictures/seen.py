"""What an extractor returns for images, as arrays."""

from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.extraction.calls import has_graph


def see(
    extractor: keras.Model, images: Any
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Returns the images as the model takes them, then its activations.

    Args:
        extractor: A model that `build_extractor` made.
        images: A batch, one image without the batch axis, or paths of files.

    Raises:
        TypeError: If the model returns no dictionary of activations.
        ValueError: If the images do not fit it.
    """
    if not isinstance(extractor, keras.Model) or not hasattr(
        extractor, "paths"
    ):
        raise TypeError(
            "Pictures of activations need an extractor: kt.build_extractor("
            f"model, ['stage_1']). Received: {extractor!r}."
        )
    if has_graph(extractor):
        inputs = model_images.as_inputs(extractor, images)
        packed = keras.tree.pack_sequence_as(extractor.input, inputs)
        if isinstance(packed, (list, tuple)) and len(packed) == 1:
            packed = packed[0]
    else:
        # One that records does not know the shape of its input.
        packed = np.asarray(images, "float32")
        packed = packed[None] if packed.ndim == 3 else packed
        inputs = [packed]
    # Not `predict`, which would trace a function for a single batch.
    activations = extractor(packed, training=False)
    return inputs, {
        name: keras.ops.convert_to_numpy(activations[name])
        for name in extractor.paths
    }


def one_image(
    extractor: keras.Model, image: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns a single image with its activations, without the batch axis.

    Raises:
        TypeError: As for `see`.
        ValueError: As for `see`, or if there are several images.
    """
    inputs, activations = see(extractor, image)
    if len(inputs[0]) != 1:
        raise ValueError(
            f"One picture shows one image. Received {len(inputs[0])}: take "
            "images[0]."
        )
    return inputs[0][0], {name: a[0] for name, a in activations.items()}
