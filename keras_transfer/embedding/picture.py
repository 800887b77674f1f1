"""The picture of photographs beside their nearest neighbours."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.data.images import load_image
from keras_transfer.embedding.neighbors import Neighbor

_SIDE = 192  # Pixels of each photograph in the picture.


def plot_nearest(
    query: Any,
    neighbors: Sequence[Neighbor] | Sequence[Sequence[Neighbor]],
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws each photograph in a row with its nearest neighbours.

    Photographs are shown square, as a network sees them.

    Args:
        query: What `nearest` was asked: a photograph, a list of them, or an
            array of images.
        neighbors: What it answered.
        path: Where to save the picture. Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: There is no neighbour, a query has no answer, or a file
            cannot be read.

    Example:
    >>> import keras_transfer as kt
    >>> found = [kt.Neighbor("bees/bee2.jpg", 0.91, "bees")]
    >>> figure = kt.plot_nearest("bee.jpg", found)
    >>> [axes.get_title() for axes in figure.axes]
    ['bee.jpg', 'bees 0.91']
    """
    from matplotlib.figure import Figure

    if isinstance(query, str | os.PathLike):
        query, neighbors = [query], [neighbors]
    if len(query) != len(neighbors) or not all(map(len, neighbors)):
        raise ValueError(
            "`neighbors` must be what `nearest` returned for this query: "
            f"neighbours of {len(query)} photographs. Received: "
            f"{[len(row) for row in neighbors]} of {len(neighbors)}."
        )
    rows = [_pictures(q, n) for q, n in zip(query, neighbors, strict=True)]
    columns = max(map(len, rows))
    figure = Figure(
        figsize=(1.5 * columns, 1.75 * len(rows)), layout="constrained"
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, pictures in zip(grid, rows, strict=True):
        for axes, picture in zip(line, pictures, strict=False):
            title, pixels = picture
            axes.imshow(pixels)
            axes.set_title(title, fontsize=8, parse_math=False)
        for axes in line:
            axes.set_axis_off()
        for axes in line[len(pictures) :]:
            axes.remove()
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _pictures(query, neighbors):
    """Titles with pixels: the query, then its neighbours."""
    if isinstance(query, str | os.PathLike):
        pictures = [(_short(pathlib.Path(query).name), _pixels(query))]
    else:
        # An image of one channel is drawn in grey.
        pixels = np.asarray(query, "float32") / 255
        shown = np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
        pictures = [("query", shown.clip(0, 1))]
    for neighbor in neighbors:
        if not os.path.exists(neighbor.path):
            raise ValueError(
                f"There is no photograph {neighbor.path!r}; neighbours in an "
                "array cannot be drawn."
            )
        name = neighbor.label or pathlib.Path(neighbor.path).name
        title = f"{_short(name)} {neighbor.score:.2f}"
        pictures.append((title, _pixels(neighbor.path)))
    return pictures


def _pixels(path):
    return load_image(path, _SIDE) / 255


def _short(name):
    return name if len(name) <= 16 else f"{name[:7]}…{name[-8:]}"
