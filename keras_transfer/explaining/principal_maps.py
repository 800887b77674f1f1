"""The pattern that a network's maps have most in common."""

from typing import Any

import keras
import numpy as np

from keras_transfer.explaining import spatial
from keras_transfer.explaining.pictures.maps import as_maps
from keras_transfer.explaining.pictures.maps import resized
from keras_transfer.explaining.question import ask_for_maps


def eigen_cam(
    model: keras.Model,
    images: Any,
    *,
    at: str | None = None,
    output: str | int | None = None,
    upsample: bool = True,
) -> np.ndarray:
    """Shows what in an image stands out to a network, whatever the class.

    The projection of a layer's maps on their first principal component; it
    needs neither gradients nor a trained head.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        at: As for `grad_cam`.
        output: As for `grad_cam`.
        upsample: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, not negative.

    Raises:
        ValueError: If images, layer or output do not fit the model.
        TypeError: If they are of the wrong kind.

    Example:
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> eigen_cam(model, image).shape
    (1, 8, 8)

    Reference: [Muhammad and Yeasin, 2020](https://arxiv.org/abs/2008.00299)
    """
    question, _, activation = ask_for_maps(model, images, None, at, output)
    size = spatial.image_size_of(question.inputs)
    maps = as_maps(activation, size).astype("float64")
    heat = np.stack([_first_component(one) for one in maps])
    heat = np.maximum(heat, 0).astype("float32")
    return resized(heat, size) if upsample else heat


def _first_component(maps):
    height, width, channels = maps.shape
    positions = maps.reshape(height * width, channels)
    # As in the paper, the maps are not centred: the mean is what the image
    # has in common with every other.
    _, _, directions = np.linalg.svd(positions, full_matrices=False)
    projection = positions @ directions[0]
    # The sign of a singular vector is arbitrary; what stands out is positive.
    if projection.sum() < 0:
        projection = -projection
    return projection.reshape(height, width)
