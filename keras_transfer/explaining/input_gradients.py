"""How the score of a class depends on each pixel."""

import numbers
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.question import ask
from keras_transfer.explaining.question import steps_shown
from keras_transfer.explaining.targets import Target
from keras_transfer.names import check_whole_number


def saliency(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    samples: int = 1,
    noise: float = 0.15,
    seed: int = 0,
    per_channel: bool = False,
    output: str | int | None = None,
) -> Any:
    """Shows which pixels change the score of a class most.

    At the resolution of the image, but noisy; `samples=25` averages over
    noisy copies (SmoothGrad), which leaves what the copies have in common.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        samples: Number of noisy copies of each image; 1 is the plain gradient
            without noise. Defaults to 1.
        noise: Standard deviation of the noise as a fraction of the range of
            the pixels in the image, above 0. Defaults to 0.15.
        seed: Seed of the noise. Defaults to 0.
        per_channel: Whether to return the signed gradient of each channel
            instead of the largest absolute one. Defaults to `False`.
        output: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, not negative, or that of the
        images. A list of arrays for a model with several inputs; an input
        that is no image keeps its shape.

    Raises:
        ValueError: If images, class or output do not fit the model, or
            `samples` or `noise` is out of range.
        TypeError: If they are of the wrong kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Flatten(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> kt.saliency(model, image, target=1, samples=4).shape
    (1, 8, 8)

    Reference: [Simonyan et al., 2013](https://arxiv.org/abs/1312.6034),
        [Smilkov et al., 2017](https://arxiv.org/abs/1706.03825)
    """
    check_whole_number("samples", samples, least=1)
    is_number = isinstance(noise, numbers.Real) and not isinstance(noise, bool)
    if not is_number or not 0 < noise < float("inf"):
        raise ValueError(
            "`noise` is a fraction of the range of the pixels, above 0. "
            f"Received: {noise!r}."
        )
    question = ask(model, images, target, output)
    measure = question.network.input_gradients(question.score)
    if samples == 1:
        _, gradients = measure(question.inputs)
    else:
        gradients = _smooth(measure, question.inputs, samples, noise, seed)
    maps = [
        np.abs(one).max(axis=-1) if one.ndim == 4 and not per_channel else one
        for one in gradients
    ]
    return maps[0] if len(maps) == 1 else maps


def _smooth(measure, inputs, samples, noise, seed):
    generator = np.random.default_rng(seed)
    totals = [np.zeros(batch.shape, "float64") for batch in inputs]
    for _ in steps_shown(range(samples), "SmoothGrad"):
        _, gradients = measure(
            [_noisy(batch, noise, generator) for batch in inputs]
        )
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient
    return [(total / samples).astype("float32") for total in totals]


def _noisy(batch, noise, generator):
    axes = tuple(range(1, batch.ndim))
    spread = np.ptp(batch, axis=axes, keepdims=True)
    return batch + (
        noise * spread * generator.standard_normal(batch.shape)
    ).astype("float32")
