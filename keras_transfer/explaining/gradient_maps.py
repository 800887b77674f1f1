"""Class activation maps weighted by gradients."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.pictures.maps import as_maps
from keras_transfer.explaining.pictures.maps import resized
from keras_transfer.explaining.question import ask_for_maps
from keras_transfer.explaining.question import image_size_of
from keras_transfer.explaining.targets import Target


def grad_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    at: str | None = None,
    output: str | int | None = None,
    upsample: bool = True,
) -> np.ndarray:
    """Shows where in an image a network sees a class.

    The explanation that others are compared with: each channel of the last
    maps counts by its mean gradient. These maps are coarse; `layer_cam` is
    more precise. On logits, so that a class the network is sure of is not
    explained by the saturation of the softmax.

    Args:
        model: Any Keras classifier, ours or not. It is not changed.
        images: A batch of pixels in the range that the model expects (0 to
            255 for ours), one image without the batch axis, or paths of image
            files; for a model with several inputs a list or a dictionary.
        target: The class by number or name, a sequence with one for each
            image, a `Contrast` of the class with the others, or a function of
            the logits that returns one score for each image. Defaults to
            `None`: the predicted class.
        at: A stage or the path of a layer (`"stage_3"`,
            `"mobilenet/conv_pw_11_relu"`). Defaults to `None`: the last layer
            whose output has positions.
        output: Name or number of the output to explain. Defaults to `None`:
            the only one.
        upsample: Whether maps are as large as the image, or as they are.
            Defaults to `True`.

    Returns:
        Array of shape `(batch, height, width)`, not negative; 0 where nothing
        speaks for the class. In the units of the logit, not scaled to 1.

    Raises:
        ValueError: If images, class, layer or output do not fit the model.
        TypeError: If they are of the wrong kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)),
    ...     keras.layers.Conv2D(4, 3, kernel_initializer="ones", name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax", kernel_initializer="ones")])
    >>> images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    >>> kt.grad_cam(model, images, target=1).shape
    (2, 8, 8)

    Reference: [Selvaraju et al., 2017](https://arxiv.org/abs/1610.02391)
    """
    return _weighted(_grad_cam, model, images, target, at, output, upsample)


def grad_cam_plus_plus(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    at: str | None = None,
    output: str | int | None = None,
    upsample: bool = True,
) -> np.ndarray:
    """Shows where in an image a network sees all objects of a class.

    Prefer it to `grad_cam` when the class occurs several times: positions
    with positive gradients count more, whatever the size of the object.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        at: As for `grad_cam`.
        output: As for `grad_cam`.
        upsample: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, not negative. The paper's
        factor exp(logit), the same at all positions, is left out.

    Raises:
        ValueError: If images, class, layer or output do not fit the model.
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
    >>> kt.grad_cam_plus_plus(model, image, at="conv", upsample=False).shape
    (1, 6, 6)

    Reference: [Chattopadhyay et al., 2018](https://arxiv.org/abs/1710.11063)
    """
    return _weighted(
        _grad_cam_plus_plus, model, images, target, at, output, upsample
    )


def layer_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    at: str | None = None,
    output: str | int | None = None,
    upsample: bool = True,
) -> np.ndarray:
    """Shows in detail which positions speak for a class.

    Prefer it where the object is small or its place matters: each position of
    each channel has a weight of its own, so that the maps may be finer than
    the last ones, on which `grad_cam` relies.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        at: As for `grad_cam`, but defaults to the end of the last stage whose
            maps are finer than the last ones, and to these where all maps are
            of one size.
        output: As for `grad_cam`.
        upsample: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, not negative.

    Raises:
        ValueError: If images, class, layer or output do not fit the model.
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
    >>> kt.layer_cam(model, image, target=1).shape
    (1, 8, 8)

    Reference: [Jiang et al., 2021](https://mmcheng.net/layercam/)
    """
    return _weighted(
        _layer_cam, model, images, target, at, output, upsample, fine=True
    )


Combine = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _weighted(
    combine: Combine, model, images, target, at, output, upsample, fine=False
) -> np.ndarray:
    question, place, activation = ask_for_maps(
        model, images, target, at, output, fine
    )
    (gradient,) = question.network.gradients(
        question.inputs, question.score, {place: activation}
    )
    size = image_size_of(question.inputs)
    maps, slopes = (
        as_maps(values, size, question.network.model, place).astype("float64")
        for values in (activation, gradient)
    )
    heat = np.maximum(combine(maps, slopes), 0).astype("float32")
    empty = ~heat.any(axis=(1, 2))
    if empty.any():
        warnings.warn(
            f"In {int(empty.sum())} of {len(heat)} images no position at "
            f"{at or 'the default layer'} speaks for the class. Another layer, "
            "`at=`, or another method may show more.",
            stacklevel=3,
        )
    return resized(heat, size) if upsample else heat


def _grad_cam(activation, gradient):
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    return (activation * weights).sum(axis=-1)


def _grad_cam_plus_plus(activation, gradient):
    # For the score exp(logit) the second and third derivatives of the paper
    # are powers of the first; exp(logit) itself cancels out of the ratio.
    square = gradient**2
    total = activation.sum(axis=(1, 2), keepdims=True)
    divisor = 2 * square + total * gradient**3
    alpha = np.divide(
        square, divisor, out=np.zeros_like(square), where=divisor != 0
    )
    weights = (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2), keepdims=True)
    return (activation * weights).sum(axis=-1)


def _layer_cam(activation, gradient):
    return (activation * np.maximum(gradient, 0)).sum(axis=-1)
