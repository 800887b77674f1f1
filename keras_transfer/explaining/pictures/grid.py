"""The activation grid: all maps of a layer side by side, as an array."""

import dataclasses
import math
import numbers
from collections.abc import Sequence

import numpy as np

from keras_transfer.names import check_whole_number


@dataclasses.dataclass(frozen=True)
class ActivationGrid:
    """Maps side by side, row by row.

    Args:
        pixels: Array of shape `(height, width)`: each map scaled to 0-1, NaN
            between them and where there is none.
        channels: Number of the channel in each cell.
        dead: Those of these channels that are 0 everywhere.
        columns: Number of cells in a row.
        cell: Height and width of a map.
        gap: Width of what lies between two maps.
        omitted: Number of channels that are not shown.
    """

    pixels: np.ndarray
    channels: tuple[int, ...]
    dead: tuple[int, ...]
    columns: int
    cell: tuple[int, int]
    gap: int
    omitted: int

    def corner(self, position: int) -> tuple[int, int]:
        """Row and column of the first pixel of a cell."""
        row, column = divmod(position, self.columns)
        height, width = self.cell
        return row * (height + self.gap), column * (width + self.gap)


def activation_grid(
    maps: np.ndarray,
    *,
    channels: int | Sequence[int] = 64,
    columns: int | None = None,
    gap: int = 1,
) -> ActivationGrid:
    """Lays the maps of a layer out side by side.

    Each map is scaled to 0-1 on its own; a constant one is 0.5, a dead one,
    which is 0 everywhere, is 0.

    Args:
        maps: What a layer returns for one image, `(height, width, channels)`.
        channels: Numbers of the channels to show, or how many at most: then
            those that vary most over the image, in their own order. Defaults
            to 64.
        columns: Number of maps in a row. Defaults to `None`: so many that the
            grid is somewhat wider than high.
        gap: Pixels between maps, at least 0. Defaults to 1.

    Returns:
        An `ActivationGrid`; `pixels` is the array.

    Raises:
        ValueError: For maps of another shape or that are not finite, unknown
            channels, or numbers out of range.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> maps = np.arange(24.0).reshape(2, 3, 4)
    >>> maps[..., 1] = 0
    >>> grid = kt.activation_grid(maps, columns=2)
    >>> grid.pixels.shape, grid.dead
    ((5, 7), (1,))
    """
    maps = np.asarray(maps)
    if maps.ndim != 3 or not maps.size:
        raise ValueError(
            "A grid shows the maps of one image, (height, width, channels). "
            f"Received the shape {maps.shape}."
        )
    if not np.isfinite(maps).all():
        raise ValueError(
            "The maps are not finite: NaN or infinity in "
            f"{int((~np.isfinite(maps)).sum())} places. Check the weights."
        )
    check_whole_number("gap", gap, 0)
    maps = maps.astype("float64")
    chosen = _chosen(maps, channels)
    height, width = maps.shape[:2]
    if columns is None:
        # Half as wide again as high, whatever the proportions of the maps.
        columns = math.ceil(math.sqrt(1.5 * len(chosen) * height / width))
    check_whole_number("columns", columns, 1)
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    grid = ActivationGrid(
        np.full(
            (rows * (height + gap) - gap, columns * (width + gap) - gap),
            np.nan,
            "float32",
        ),
        chosen,
        tuple(c for c in chosen if not maps[..., c].any()),
        columns,
        (height, width),
        gap,
        maps.shape[-1] - len(chosen),
    )
    for position, channel in enumerate(chosen):
        top, left = grid.corner(position)
        grid.pixels[top : top + height, left : left + width] = _scaled(
            maps[..., channel]
        )
    return grid


def _scaled(one):
    low, high = one.min(), one.max()
    if low == high:
        return np.full(one.shape, 0.0 if low == 0 else 0.5)
    # Divided first, since the difference of huge values may overflow.
    scale = max(abs(low), abs(high))
    return (one / scale - low / scale) / (high / scale - low / scale)


def _chosen(maps, channels):
    number = maps.shape[-1]
    if isinstance(channels, numbers.Integral):
        check_whole_number("channels", channels, 1)
        if number <= channels:
            return tuple(range(number))
        strongest = np.argsort(-maps.std(axis=(0, 1)), kind="stable")
        return tuple(sorted(int(c) for c in strongest[:channels]))
    chosen = tuple(int(channel) for channel in channels)
    outside = [c for c in chosen if not 0 <= c < number]
    if outside or not chosen:
        raise ValueError(
            f"`channels` must name channels from 0 to {number - 1}. Received: "
            f"{list(outside or chosen)}."
        )
    return chosen
