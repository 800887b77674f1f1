"""Class activation maps without gradients: by scores, by components."""

from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.differentiation import compiled
from keras_transfer.explaining.pictures.maps import as_maps
from keras_transfer.explaining.pictures.maps import resized
from keras_transfer.explaining.question import ask_for_maps
from keras_transfer.explaining.question import image_size_of
from keras_transfer.explaining.question import steps_shown
from keras_transfer.explaining.targets import Target
from keras_transfer.names import check_whole_number


def score_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    at: str | None = None,
    max_channels: int | None = None,
    output: str | int | None = None,
    upsample: bool = True,
) -> np.ndarray:
    """Shows where in an image a network sees a class, without gradients.

    Each channel's map, enlarged and scaled to 0-1, masks the image; the
    channel counts by the logit that the network gives the class then.
    As many passes as the layer has channels, so minutes for large networks.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`; one input alone.
        target: As for `grad_cam`.
        at: As for `grad_cam`.
        max_channels: Number of channels, those that vary most, to which to
            confine the work (Faster-Score-CAM). Defaults to `None`: all.
        output: As for `grad_cam`.
        upsample: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, not negative.

    Raises:
        ValueError: If images, class, layer or output do not fit the model, or
            `max_channels` is below 1.
        TypeError: If they are of the wrong kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> kt.score_cam(model, image, target=1, max_channels=2).shape
    (1, 8, 8)

    Reference: [Wang et al., 2020](https://arxiv.org/abs/1910.01279)
    """
    if max_channels is not None:
        check_whole_number("max_channels", max_channels, least=1)
    question, place, activation = ask_for_maps(
        model, images, target, at, output
    )
    if len(question.inputs) > 1:
        raise ValueError(
            "Score-CAM masks one image, but the model "
            f"{model.name!r} has {len(question.inputs)} inputs. "
            "`kt.grad_cam` explains such models."
        )
    size = image_size_of(question.inputs)
    model = question.network.model
    maps = as_maps(activation, size, model, place).astype("float32")
    chosen = _chosen(maps, max_channels)
    kept = np.take_along_axis(maps, chosen[:, None, None, :], axis=-1)
    scores = _scores(question, kept, size)
    # The paper's softmax over channels: one that hides the object counts for
    # nothing instead of against the class.
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    heat = np.maximum((kept * weights[:, None, None, :]).sum(axis=-1), 0)
    return resized(heat, size) if upsample else heat


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
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> kt.eigen_cam(model, image).shape
    (1, 8, 8)

    Reference: [Muhammad and Yeasin, 2020](https://arxiv.org/abs/2008.00299)
    """
    question, place, activation = ask_for_maps(model, images, None, at, output)
    size = image_size_of(question.inputs)
    model = question.network.model
    maps = as_maps(activation, size, model, place).astype("float64")
    heat = np.stack([_first_component(one) for one in maps])
    heat = np.maximum(heat, 0).astype("float32")
    return resized(heat, size) if upsample else heat


def _chosen(maps, max_channels):
    """Numbers of the channels that vary most in each image."""
    number = min(max_channels or maps.shape[-1], maps.shape[-1])
    spread = maps.std(axis=(1, 2))
    return np.argsort(-spread, axis=1, kind="stable")[:, :number]


def _scores(question, maps, size):
    """The score of each image masked by each map, `(batch, channels)`."""
    (images,) = question.inputs
    network, score = question.network, question.score
    measure = compiled(lambda batch: score(network.logits([batch])))
    scores = []
    for channel in steps_shown(range(maps.shape[-1]), "Score-CAM"):
        mask = _unit(resized(maps[..., channel], size))
        scores.append(measure(images * mask[..., None]))
    return np.stack([keras.ops.convert_to_numpy(one) for one in scores], axis=1)


def _unit(maps):
    """Scales each map to 0-1; a constant one hides the whole image."""
    low = maps.min(axis=(1, 2), keepdims=True)
    spread = maps.max(axis=(1, 2), keepdims=True) - low
    return np.where(spread > 0, (maps - low) / np.where(spread, spread, 1), 0)


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
