"""Explanations drawn over the images that they explain."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.explaining.pictures import drawing
from keras_transfer.explaining.pictures.maps import resized

_COLORS = "inferno"
_SIGNED_COLORS = "RdBu_r"
# Single pixels stand out in the gradients of an image; they must not decide
# how everything else is coloured.
_BRIGHTEST = 99.5


def overlay(
    image: np.ndarray,
    heat: np.ndarray,
    *,
    alpha: float = 0.75,
    blur: float = 0.0,
) -> np.ndarray:
    """Returns an image with its explanation over it.

    Where there is no heat the photograph stays as it is; under signed heat,
    which has colours of its own, it is a pale gray.

    Args:
        image: Pixels of one image, `(height, width, channels)`.
        heat: Its explanation, `(height, width)`; of another size it is
            enlarged. Negative values are blue, positive ones red.
        alpha: Opacity of the strongest heat, above 0 and at most 1. Defaults
            to 0.75.
        blur: Width in pixels of the Gaussian that joins single pixels, such as
            saliency finds, into regions. Defaults to 0.

    Returns:
        Array of uint8, `(height, width, 3)`.

    Raises:
        ValueError: For other shapes, values that are not finite, or an
            opacity out of range.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> kt.overlay(np.zeros((8, 8, 3)), np.eye(4)).shape
    (8, 8, 3)
    """
    from matplotlib import colormaps

    image, heat = np.asarray(image), np.asarray(heat, "float32")
    if image.ndim != 3 or heat.ndim != 2:
        raise ValueError(
            "An overlay takes one image, (height, width, channels), and its "
            "explanation, (height, width). Received the shapes "
            f"{image.shape} and {heat.shape}."
        )
    if not np.isfinite(heat).all():
        raise ValueError("The explanation is not finite: it holds NaN.")
    if not 0 <= blur < float("inf"):
        raise ValueError(
            f"`blur` must be a width in pixels from 0. Received: {blur!r}."
        )
    if not 0 < alpha <= 1:
        raise ValueError(
            f"`alpha` must be above 0 and at most 1. Received: {alpha!r}."
        )
    pixels = drawing.displayable(image)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if heat.shape != pixels.shape[:2]:
        heat = resized(heat[None], pixels.shape[:2])[0]
    strength, is_signed = _scaled(_blurred(heat, blur))
    if is_signed:
        colors = colormaps[_SIGNED_COLORS]((strength + 1) / 2)[..., :3]
        gray = pixels.mean(axis=-1, keepdims=True)
        pixels = np.repeat(0.5 + 0.45 * gray, 3, axis=-1)
    else:
        colors = colormaps[_COLORS](strength)[..., :3]
    opacity = alpha * np.abs(strength)[..., None]
    mixed = pixels * (1 - opacity) + colors * opacity
    return np.round(mixed * 255).astype("uint8")


def plot_explanation(
    images: Any,
    heat: np.ndarray,
    *,
    titles: Sequence[str] | None = None,
    blur: float = 0.0,
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws each image beside its explanation.

    Each image has a scale of its own: from nothing to its strongest position.

    Args:
        images: A batch of pixels, or one image without the batch axis.
        heat: What `grad_cam` or another explanation returned for them.
        titles: One for each image. Defaults to `None`: none.
        blur: As for `overlay`.
        path: Where to save the picture; its extension decides the format.
            Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: If images, heat and titles are not equally many, or of
            other shapes.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> figure = kt.plot_explanation(image, np.eye(8)[None], titles=["bee"])
    """
    from matplotlib import cm
    from matplotlib import colors
    from matplotlib.figure import Figure

    images, heat = _batches(images, heat)
    if titles is not None and len(titles) != len(images):
        raise ValueError(
            f"`titles` needs one for each of {len(images)} images. Received "
            f"{len(titles)}."
        )
    pairs = min(len(images), 2)
    rows = -(-len(images) // pairs)
    height, width = images.shape[1:3]
    cell = 2.2
    figure = Figure(
        figsize=(
            2 * cell * pairs + 0.7,
            (cell * height / width + 0.3) * rows + 0.1,
        ),
        layout="constrained",
    )
    sheet = figure.subplots(rows, 2 * pairs, squeeze=False)
    for axes in sheet.ravel():
        axes.set_axis_off()
    cells = sheet.reshape(-1, 2)
    for number, (left, right) in enumerate(cells[: len(images)]):
        left.imshow(
            drawing.displayable(images[number]), cmap="gray", vmin=0, vmax=1
        )
        right.imshow(overlay(images[number], heat[number], blur=blur))
        if titles is not None:
            left.set_title(
                titles[number], fontsize="medium", loc="left", parse_math=False
            )
    is_signed = bool((heat < 0).any())
    scale = cm.ScalarMappable(
        colors.Normalize(-1 if is_signed else 0, 1),
        _SIGNED_COLORS if is_signed else _COLORS,
    )
    bar = figure.colorbar(
        scale, ax=sheet, shrink=min(1.0, 1.6 / rows), pad=0.01, aspect=22
    )
    bar.set_ticks(
        [-1, 0, 1] if is_signed else [0, 1],
        labels=["against", "", "for"] if is_signed else ["none", "most"],
    )
    bar.ax.tick_params(labelsize="small", length=0)
    bar.outline.set_visible(False)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _scaled(heat):
    """Heat between 0 and 1, or -1 and 1, and whether it is signed."""
    is_signed = bool((heat < 0).any())
    highest = np.percentile(np.abs(heat), _BRIGHTEST) or np.abs(heat).max()
    if highest == 0:
        return np.zeros_like(heat), is_signed
    return np.clip(heat / highest, -1 if is_signed else 0, 1), is_signed


def _blurred(heat, width):
    if width == 0:
        return heat
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padding = [(reach, reach) if i == axis else (0, 0) for i in (0, 1)]
        padded = np.pad(heat, padding, mode="edge")
        heat = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return heat


def _batches(images, heat):
    images, heat = np.asarray(images), np.asarray(heat)
    if images.ndim == 3:
        images = images[None]
    if heat.ndim == 2:
        heat = heat[None]
    if images.ndim != 4 or heat.ndim != 3 or len(images) != len(heat):
        raise ValueError(
            "An explanation is drawn over (batch, height, width, channels) "
            "as (batch, height, width), equally many. Received the shapes "
            f"{images.shape} and {heat.shape}."
        )
    return images, heat
