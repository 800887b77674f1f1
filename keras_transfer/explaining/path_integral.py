"""How much each pixel contributes to the score of a class."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.question import ask
from keras_transfer.explaining.question import steps_shown
from keras_transfer.explaining.targets import Target
from keras_transfer.names import check_whole_number

_FIRST_STEPS = 16


def integrated_gradients(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    baseline: Any = 0.0,
    tolerance: float = 0.01,
    max_steps: int = 512,
    per_channel: bool = False,
    output: str | int | None = None,
) -> Any:
    """Shares the score of a class out among the pixels.

    Contributions sum to what the score gains from the baseline to the image,
    so they can be added up over regions. Prefer it to `saliency` for figures.

    Args:
        model: As for `grad_cam`.
        images: As for `grad_cam`.
        target: As for `grad_cam`.
        baseline: The image that shows nothing: a pixel value, or an array of
            the shape of an image or of the batch; a list of them for a model
            with several inputs. Defaults to 0, black.
        tolerance: How far the sum of the contributions may be from the gain
            of the score, as a fraction of it, above 0. Steps are doubled
            until all images are within it. Defaults to 0.01.
        max_steps: Number of steps at which to give up with a warning, at
            least 16. Defaults to 512.
        per_channel: Whether to return contributions of each channel instead
            of their sum. Defaults to `False`.
        output: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, negative where a pixel speaks
        against the class, or of the shape of the images. A list of arrays for
        a model with several inputs; an input that is no image keeps its shape.

    Raises:
        ValueError: If images, class, output or baseline do not fit the model,
            or a number is out of range.
        TypeError: If they are of the wrong kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Flatten(),
    ...     keras.layers.Dense(2)])
    >>> image = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3))
    >>> contributions = kt.integrated_gradients(model, image, target=1)
    >>> gain = model(image)[0, 1] - model(0 * image)[0, 1]
    >>> bool(abs(contributions.sum() - float(gain)) < 1e-3 * abs(float(gain)))
    True

    Reference: [Sundararajan et al., 2017](https://arxiv.org/abs/1703.01365)
    """
    check_whole_number("max_steps", max_steps, least=1)
    if not 0 < tolerance < 1:
        raise ValueError(
            "`tolerance` must be a fraction above 0 and below 1. Received: "
            f"{tolerance!r}."
        )
    question = ask(model, images, target, output)
    shares = _shares(
        question.network.input_gradients(question.score),
        question.inputs,
        _baselines(baseline, question.inputs),
        tolerance,
        max_steps,
    )
    maps = [
        (share.sum(-1) if share.ndim == 4 and not per_channel else share)
        for share in shares
    ]
    maps = [one.astype("float32") for one in maps]
    return maps[0] if len(maps) == 1 else maps


def _baselines(baseline, inputs):
    parts = [baseline] if len(inputs) == 1 else baseline
    if len(inputs) > 1 and not isinstance(baseline, (list, tuple)):
        parts = [baseline] * len(inputs)
    if len(parts) != len(inputs):
        raise ValueError(
            f"`baseline` needs a part for each of {len(inputs)} inputs. "
            f"Received {len(parts)}."
        )
    found = []
    for part, batch in zip(parts, inputs, strict=True):
        part = np.asarray(part, "float32")
        if part.ndim and part.shape not in (batch.shape, batch.shape[1:]):
            raise ValueError(
                "`baseline` must be a pixel value or an array of the shape "
                f"{batch.shape[1:]} or {batch.shape}. Received the shape "
                f"{part.shape}."
            )
        if not np.isfinite(part).all():
            raise ValueError("`baseline` must be finite.")
        found.append(np.broadcast_to(part, batch.shape).copy())
    return found


def _shares(measure, inputs, baselines, tolerance, max_steps):
    """Contributions by the trapezoid rule, whose points serve its doubling."""

    def gradients_at(fractions, description):
        totals = [np.zeros(batch.shape, "float64") for batch in inputs]
        for i in steps_shown(range(len(fractions)), description):
            _, gradients = measure(
                [
                    b + np.float32(fractions[i]) * (x - b)
                    for x, b in zip(inputs, baselines, strict=True)
                ]
            )
            for total, gradient in zip(totals, gradients, strict=True):
                total += gradient
        return totals

    (high, at_image), (low, at_baseline) = measure(inputs), measure(baselines)
    gain = high - low
    sums = [
        (a.astype("float64") + b) / 2
        for a, b in zip(at_image, at_baseline, strict=True)
    ]
    steps, fractions = _FIRST_STEPS, np.arange(1, _FIRST_STEPS) / _FIRST_STEPS
    while True:
        new = gradients_at(fractions, f"Integrated gradients, {steps} steps")
        sums = [one + more for one, more in zip(sums, new, strict=True)]
        shares = [
            one / steps * (x - b)
            for one, x, b in zip(sums, inputs, baselines, strict=True)
        ]
        total = sum(_per_image(share) for share in shares)
        size = sum(_per_image(np.abs(share)) for share in shares)
        # Where nothing is gained, it is by what is won and lost on the way.
        allowed = tolerance * np.maximum(np.abs(gain), 1e-3 * size)
        gap = np.abs(total - gain)
        if (gap <= allowed).all():
            return shares
        if 2 * steps > max_steps:
            break
        steps, fractions = 2 * steps, (np.arange(steps) + 0.5) / steps
    worst = int(np.argmax(gap - allowed))
    warnings.warn(
        f"After {steps} steps the contributions sum to {total[worst]:.4g} but "
        f"the score gains {gain[worst]:.4g}. Raise `max_steps`.",
        stacklevel=3,
    )
    return shares


def _per_image(share):
    return share.reshape(len(share), -1).sum(axis=1)
