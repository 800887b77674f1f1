"""How active the units of each layer are over a set of images."""

import dataclasses
import os
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.pictures.maps import see

_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
_AT_ONCE = 16
# Values kept of each image to tell the quantiles from.
_SAMPLE = 2048


@dataclasses.dataclass(frozen=True)
class LayerActivity:
    """What the units of one layer did over a set of images.

    Args:
        name: Name of the activation.
        units: Number of units: channels of maps, or of a vector.
        dead: Numbers of the units that were 0 at every position of every
            image.
        quantiles: Activations at 1, 25, 50, 75 and 99 percent.
        zeros: Fraction of all activations that are 0.
        mean: Mean activation.
    """

    name: str
    units: int
    dead: tuple[int, ...]
    quantiles: tuple[float, ...]
    zeros: float
    mean: float

    @property
    def dead_share(self) -> float:
        """Fraction of the units that are dead."""
        return len(self.dead) / self.units


def unit_activity(extractor: keras.Model, images: Any) -> list[LayerActivity]:
    """Returns how active each layer is: distribution and dead units.

    A unit that is 0 for every image carries nothing and gets no gradient.

    Args:
        extractor: A model that `build_extractor` made.
        images: A batch of pixels, or paths of files; for a model with several
            inputs a list or a dictionary of batches. A hundred are enough.

    Returns:
        One `LayerActivity` for each activation, in the extractor's order.

    Raises:
        ValueError: If the images do not fit the model.
        TypeError: If `extractor` returns no dictionary of activations.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(
    ...         4, 3, activation="relu", bias_initializer="ones", name="conv",
    ...         kernel_initializer="zeros")])
    >>> extractor = kt.build_extractor(model, ["conv"])
    >>> (activity,) = kt.unit_activity(extractor, np.zeros((2, 8, 8, 3)))
    >>> activity.units, activity.dead_share, activity.mean
    (4, 0.0, 1.0)
    """
    tallies: dict[str, _Tally] = {}
    for batch in _batches(extractor, images):
        _, activations = see(extractor, batch)
        for name, values in activations.items():
            tallies.setdefault(name, _Tally()).add(values)
    return [tally.result(name) for name, tally in tallies.items()]


def plot_unit_activity(
    extractor: keras.Model,
    images: Any,
    *,
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws the distribution of activations and the dead units per layer.

    Args:
        extractor: As for `unit_activity`.
        images: As for `unit_activity`.
        path: Where to save the picture; its extension decides the format.
            Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: If the images do not fit the model.
        TypeError: If `extractor` returns no dictionary of activations.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)),
    ...     keras.layers.Conv2D(4, 3, activation="relu", name="conv")])
    >>> extractor = kt.build_extractor(model, ["conv"])
    >>> images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    >>> figure = kt.plot_unit_activity(extractor, images)
    """
    from matplotlib import ticker
    from matplotlib.figure import Figure

    layers = unit_activity(extractor, images)
    figure = Figure(figsize=(8, 1.3 + 0.38 * len(layers)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    for row, layer in enumerate(layers):
        lowest, low, median, high, highest = layer.quantiles
        left.plot([lowest, highest], [row, row], color="#4477aa", linewidth=1)
        left.barh(row, high - low, left=low, height=0.6, color="#4477aa")
        left.plot([median, median], [row - 0.3, row + 0.3], color="white")
        right.barh(row, layer.dead_share, height=0.6, color="#ee6677")
        right.annotate(
            f"{len(layer.dead)} of {layer.units}",
            (layer.dead_share, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    left.set_yticks(
        range(len(layers)), [layer.name for layer in layers], parse_math=False
    )
    left.invert_yaxis()
    left.set_xlabel("activation: 1-99 %, quartiles, median")
    # Room for the figures behind the bars.
    most = max(layer.dead_share for layer in layers)
    right.set(xlim=(0, max(0.1, 1.4 * most)))
    count = _count(extractor, images)
    right.set_xlabel(f"dead units over {count} images")
    right.xaxis.set_major_formatter(ticker.PercentFormatter(1))
    right.xaxis.set_major_locator(ticker.MaxNLocator(4))
    right.tick_params(axis="y", length=0)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _has_parts(extractor, images):
    """Whether images are several batches, one for each input."""
    return isinstance(images, dict) or (
        isinstance(images, (list, tuple))
        and len(getattr(extractor, "inputs", None) or [None]) > 1
    )


def _count(extractor, images):
    if _has_parts(extractor, images):
        return len(keras.tree.flatten(images)[0])
    return len(images)


def _batches(extractor, images):
    for start in range(0, max(_count(extractor, images), 1), _AT_ONCE):
        chosen = slice(start, start + _AT_ONCE)
        if _has_parts(extractor, images):
            yield keras.tree.map_structure(lambda a, s=chosen: a[s], images)
        else:
            yield images[chosen]


class _Tally:
    """Sums over batches; whole activations of many images fill the memory."""

    def __init__(self):
        self.alive = None
        self.zeros = self.total = self.count = 0
        self.samples = []

    def add(self, values):
        flat = values.reshape(-1, values.shape[-1]).astype("float64")
        alive = flat.any(axis=0)
        self.alive = alive if self.alive is None else self.alive | alive
        self.zeros += int((flat == 0).sum())
        self.total += float(flat.sum())
        self.count += flat.size
        step = max(1, flat.size // (_SAMPLE * len(values)))
        self.samples.append(flat.ravel()[::step])

    def result(self, name):
        quantiles = np.quantile(np.concatenate(self.samples), _QUANTILES)
        return LayerActivity(
            name,
            len(self.alive),
            tuple(int(unit) for unit in np.flatnonzero(~self.alive)),
            tuple(float(q) for q in quantiles),
            self.zeros / self.count,
            self.total / self.count,
        )
