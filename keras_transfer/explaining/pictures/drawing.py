"""How photographs, maps and grids are drawn on axes."""

from typing import Any

import numpy as np

from keras_transfer.explaining.pictures.grid import ActivationGrid

# Told apart in print and by people who cannot tell red from green.
COLORS = "viridis"
GAP = "white"
DEAD = "#d9d9d9"


def displayable(image: np.ndarray) -> np.ndarray:
    """Returns an image as 0-1 gray or colour, whatever its range.

    Args:
        image: `(height, width, channels)`: pixels 0-255, or in any other range,
            which is then stretched.
    """
    pixels = np.asarray(image, "float64")
    if pixels.shape[-1] not in (1, 3, 4):
        pixels = pixels.mean(axis=-1, keepdims=True)
    low, high = pixels.min(), pixels.max()
    if low >= 0 and 1 < high <= 255:
        pixels = pixels / 255
    elif high > low and (low < 0 or high > 1):
        pixels = (pixels - low) / (high - low)
    pixels = np.clip(pixels, 0, 1)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels[..., :3]


def draw_image(axes: Any, image: np.ndarray, title: str = "") -> None:
    """Draws a photograph without axes."""
    axes.imshow(displayable(image), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize="medium", parse_math=False)


def draw_map(axes: Any, one: np.ndarray) -> Any:
    """Draws one map without axes; a dead one is gray and crossed out."""
    axes.set_axis_off()
    if not one.any():
        height, width = one.shape
        axes.imshow(np.zeros((height, width)), cmap="gray", alpha=0)
        _cross_out(axes, -0.5, -0.5, height, width)
        return None
    return axes.imshow(one, cmap=COLORS, interpolation="nearest")


def draw_grid(axes: Any, grid: ActivationGrid) -> None:
    """Draws an activation grid; dead channels are gray and crossed out."""
    from matplotlib import colormaps
    from matplotlib import patheffects

    colors = colormaps[COLORS].with_extremes(bad=GAP)
    axes.imshow(
        grid.pixels, cmap=colors, vmin=0, vmax=1, interpolation="nearest"
    )
    axes.set_axis_off()
    height, width = grid.cell
    for position, channel in enumerate(grid.channels):
        top, left = grid.corner(position)
        if channel in grid.dead:
            _cross_out(axes, left - 0.5, top - 0.5, height, width)
        label = axes.text(
            left + 0.04 * width,
            top + 0.04 * height,
            str(channel),
            fontsize=5,
            color="white",
            ha="left",
            va="top",
        )
        # Read on bright maps as well as on dark ones.
        label.set_path_effects(
            [patheffects.withStroke(linewidth=1, foreground="0.2")]
        )


def _cross_out(axes, left, top, height, width):
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((left, top), width, height, facecolor=DEAD, linewidth=0)
    )
    axes.plot(
        [left, left + width],
        [top + height, top],
        color="white",
        linewidth=1,
        scalex=False,
        scaley=False,
    )
