"""Pictures of the activations of one image."""

import os
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.pictures import drawing
from keras_transfer.explaining.pictures.grid import activation_grid
from keras_transfer.explaining.pictures.maps import maps_of
from keras_transfer.explaining.pictures.maps import one_image
from keras_transfer.explaining.pictures.maps import resized

_WIDTH = 7.5
_CELL = 28


def plot_activations(
    extractor: keras.Model,
    image: Any,
    *,
    channels: int = 64,
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws the maps of each layer for one image, as a grid for each layer.

    Each map has a colour scale of its own; a gray cell that is crossed out is
    a channel that is 0 everywhere. Vectors are drawn as bars.

    Args:
        extractor: A model that `build_extractor` made.
        image: Pixels of one image, with or without the batch axis, or the
            path of a file.
        channels: Number of channels of a layer to show at most: those that
            vary most. Defaults to 64.
        path: Where to save the picture; its extension decides the format.
            Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: If the image does not fit the model, or there are several.
        TypeError: If `extractor` returns no dictionary of activations.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((16, 16, 3)), keras.layers.Conv2D(5, 3, name="conv")])
    >>> extractor = kt.build_extractor(model, ["conv"])
    >>> figure = kt.plot_activations(extractor, np.ones((16, 16, 3)) * 255)
    >>> len(figure.axes)
    1
    """
    from matplotlib.figure import Figure

    pixels, activations = one_image(extractor, image)
    drawn = {
        name: _prepared(
            values,
            maps_of(extractor, name, values, pixels.shape[:2]),
            channels,
        )
        for name, values in activations.items()
    }
    heights = [_height(what) for what in drawn.values()]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    sheets = figure.subplots(
        len(drawn), 1, squeeze=False, height_ratios=heights
    )[:, 0]
    for axes, (name, what) in zip(sheets, drawn.items(), strict=True):
        values = activations[name]
        if isinstance(what, np.ndarray):
            _draw_vector(axes, what)
        else:
            drawing.draw_grid(axes, what)
        axes.set_title(
            f"{name}   {_note(values, what)}",
            fontsize="medium",
            loc="left",
            parse_math=False,
        )
    return _saved(figure, path)


def plot_channel(
    extractor: keras.Model,
    image: Any,
    name: str,
    channel: int,
    *,
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws one channel of one layer beside its image, then over it.

    Args:
        extractor: A model that `build_extractor` made.
        image: As for `plot_activations`.
        name: One of the names that the extractor returns.
        channel: Number of the channel, from 0.
        path: As for `plot_activations`.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: If the image does not fit the model, or there is no such
            layer, channel or map.
        TypeError: If `extractor` returns no dictionary of activations.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((16, 16, 3)), keras.layers.Conv2D(5, 3, name="conv")])
    >>> extractor = kt.build_extractor(model, ["conv"])
    >>> image = np.random.default_rng(0).uniform(0, 255, (16, 16, 3))
    >>> figure = kt.plot_channel(extractor, image, "conv", 2)
    """
    from matplotlib.figure import Figure

    pixels, activations = one_image(extractor, image)
    if name not in activations:
        raise ValueError(
            f"The extractor returns no {name!r}. Expected one of "
            f"{list(activations)}."
        )
    maps = maps_of(extractor, name, activations[name], pixels.shape[:2])
    if maps is None:
        raise ValueError(
            f"{name!r} has the shape {activations[name].shape} and no maps. "
            "Expected (height, width, channels)."
        )
    number = maps.shape[-1]
    is_whole = isinstance(channel, (int, np.integer))
    if not is_whole or isinstance(channel, bool) or not 0 <= channel < number:
        raise ValueError(
            f"{name!r} has the channels 0 to {number - 1}. Received: "
            f"{channel!r}."
        )
    one = maps[..., channel]
    figure = Figure(figsize=(_WIDTH, 2.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    drawing.draw_image(left, pixels, "image")
    image_of_map = drawing.draw_map(middle, one)
    middle.set_title(
        f"{name}, channel {channel}", fontsize="medium", parse_math=False
    )
    drawing.draw_image(right, pixels, "over the image")
    if image_of_map is None:
        middle.set_title(
            f"{name}, channel {channel}: dead",
            fontsize="medium",
            parse_math=False,
        )
        return _saved(figure, path)
    figure.colorbar(image_of_map, ax=middle, shrink=0.8)
    large = resized(one[None], pixels.shape[:2])[0]
    strength = np.clip(np.abs(large) / np.abs(one).max(), 0, 1)
    right.imshow(
        large,
        cmap=drawing.COLORS,
        vmin=one.min(),
        vmax=one.max(),
        alpha=0.8 * strength,
    )
    return _saved(figure, path)


def _prepared(values, maps, channels):
    if maps is None:
        return np.ravel(values)
    # Small maps are enlarged, so that the gaps are as wide as others'.
    factor = max(1, round(_CELL / max(maps.shape[:2])))
    large = maps.repeat(factor, axis=0).repeat(factor, axis=1)
    return activation_grid(large, channels=channels)


def _height(what):
    if isinstance(what, np.ndarray):
        return 1.6
    rows, columns = what.pixels.shape
    return _WIDTH * rows / columns + 0.35


def _draw_vector(axes, values):
    few = len(values) <= 20
    axes.bar(
        np.arange(len(values)),
        values,
        width=0.7 if few else 1.0,
        color="#4477aa",
    )
    axes.set_xlim(-0.5, max(len(values), 10) - 0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("unit", fontsize="small")
    axes.tick_params(labelsize="small")
    if few:
        axes.set_xticks(np.arange(len(values)))


def _note(values, what):
    size = " × ".join(map(str, values.shape))
    if isinstance(what, np.ndarray):
        return size
    notes = [size]
    if what.omitted:
        notes.append(f"the {len(what.channels)} channels that vary most")
    if what.dead:
        notes.append(f"{len(what.dead)} of them dead")
    return ", ".join(notes)


def _saved(figure, path):
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure
