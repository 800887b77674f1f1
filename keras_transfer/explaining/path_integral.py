"""How much each pixel contributes to the score of a class."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.input_gradients import check_count
from keras_transfer.explaining.progress import steps_shown
from keras_transfer.explaining.question import ask
from keras_transfer.explaining.targets import Target

_TOLERANCE = 0.05


def integrated_gradients(
    model: keras.Model,
    images: Any,
    target: Target = None,
    *,
    baseline: Any = 0.0,
    steps: int = 64,
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
        steps: Number of points on the way from the baseline to the image, at
            least 1. Defaults to 64.
        per_channel: Whether to return contributions of each channel instead
            of their sum. Defaults to `False`.
        output: As for `grad_cam`.

    Returns:
        Array of shape `(batch, height, width)`, negative where a pixel speaks
        against the class, or of the shape of the images. A list of arrays for
        a model with several inputs; an input that is no image keeps its shape.

    Raises:
        ValueError: If images, class, output or baseline do not fit the model,
            or `steps` is below 1.
        TypeError: If they are of the wrong kind.

    Example:
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Flatten(),
    ...     keras.layers.Dense(2)])
    >>> image = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3))
    >>> contributions = integrated_gradients(model, image, target=1)
    >>> gain = model(image)[0, 1] - model(0 * image)[0, 1]
    >>> bool(abs(contributions.sum() - float(gain)) < 1e-3 * abs(float(gain)))
    True

    Reference: [Sundararajan et al., 2017](https://arxiv.org/abs/1703.01365)
    """
    check_count("steps", steps)
    question = ask(model, images, target, output)
    inputs = question.inputs
    baselines = _baselines(baseline, inputs)
    measure = question.network.input_gradients(question.score)
    totals = [np.zeros(batch.shape, "float64") for batch in inputs]
    # Gauss-Legendre points: exact for polynomials of degree 2 * steps - 1.
    points, weights = np.polynomial.legendre.leggauss(steps)
    for i in steps_shown(range(steps), "Integrated gradients"):
        fraction = np.float32((points[i] + 1) / 2)
        _, gradients = measure(
            [
                b + fraction * (x - b)
                for x, b in zip(inputs, baselines, strict=True)
            ]
        )
        for total, gradient in zip(totals, gradients, strict=True):
            total += weights[i] / 2 * gradient
    shares = [
        total * (x - b)
        for total, x, b in zip(totals, inputs, baselines, strict=True)
    ]
    gain = measure(inputs)[0] - measure(baselines)[0]
    _warn_of_gap(sum(_total(share) for share in shares), gain, steps)
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


def _total(share):
    return share.reshape(len(share), -1).sum(axis=1)


def _warn_of_gap(total, gain, steps):
    gap = np.abs(total - gain)
    wide = gap > _TOLERANCE * np.maximum(np.abs(gain), 1e-6)
    if wide.any():
        worst = int(np.argmax(gap))
        warnings.warn(
            f"The contributions sum to {total[worst]:.4g} but the score gains "
            f"{gain[worst]:.4g}: {steps} steps are too few here. Raise "
            "`steps`.",
            stacklevel=3,
        )
