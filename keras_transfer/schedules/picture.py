"""The picture of a schedule: parts of the model against epochs."""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.schedules import timeline
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.plan import plan


@dataclasses.dataclass(frozen=True)
class Chart:
    """What a picture of a schedule shows.

    Args:
        parts: Names of the parts of the model, from input to output.
        multipliers: Learning-rate multiplier of each part in each epoch, of
            shape `(parts, epochs)`; 0 where it is frozen.
        phases: Name and first epoch of each phase.
        certain: Whether the epochs follow from the schedule alone; otherwise
            each phase is shown where it begins at the earliest.
    """

    parts: tuple[str, ...]
    multipliers: np.ndarray
    phases: tuple[tuple[str, float], ...]
    certain: bool


def chart(model: keras.Model, phases: Sequence[Phase], epochs: int) -> Chart:
    """Returns what a picture of the phases would show.

    Args:
        model: A built model.
        phases: The phases in their order.
        epochs: Number of epochs of training.

    Example:
    >>> from keras_transfer.schedules import Epochs
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> phases = [Phase("output", until=Epochs(1)), Phase("*")]
    >>> chart(model, phases, epochs=3).multipliers
    array([[0., 1., 1.],
           [1., 1., 1.]])
    """
    timeline.check_reached(phases, epochs)
    planned = plan(model, phases)
    starts = timeline.starts(phases)
    parts = tuple(planned[0].rates)
    multipliers = np.zeros((len(parts), epochs))
    for one, start in zip(planned, starts, strict=False):
        # A phase that begins inside an epoch is shown from that epoch on.
        first = math.floor(start.epoch)
        multipliers[:, first:] = np.array(list(one.rates.values()))[:, None]
    end = starts[-1].epoch
    if end < epochs:
        multipliers[:, math.ceil(end) :] = 0
    return Chart(
        parts,
        multipliers,
        tuple(
            (one.name, start.epoch)
            for one, start in zip(planned, starts, strict=False)
        ),
        all(start.certain for start in starts[:-1]),
    )


def draw(shown: Chart, path: str | os.PathLike | None = None) -> Any:
    """Draws a chart: blue where weights train, grey where they are frozen.

    The darker the blue, the higher the learning rate.

    Args:
        shown: The chart.
        path: Where to save the picture. Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.
    """
    from matplotlib import colors
    from matplotlib.figure import Figure

    parts, epochs = shown.multipliers.shape
    width = min(max(4.0, 2.2 + 0.4 * epochs), 12)
    figure = Figure(figsize=(width, 1.8 + 0.32 * parts), layout="constrained")
    axes = figure.subplots()
    rates = np.ma.masked_equal(shown.multipliers, 0)
    low, high = rates.min(), rates.max()
    image = axes.imshow(
        rates,
        aspect="auto",
        origin="lower",
        cmap="Blues",
        # Half a decade of room, so that the lowest rate is not white.
        norm=colors.LogNorm(low / 3, high * 1.2),
        extent=(0, epochs, 0, parts),
    )
    axes.set_facecolor("#e8e8e8")
    axes.set_yticks(np.arange(parts) + 0.5, shown.parts, parse_math=False)
    axes.set_yticks(np.arange(parts + 1), minor=True)
    axes.grid(axis="y", which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    step = max(1, math.ceil(epochs / 15))
    shown_epochs = np.arange(0, epochs, step)
    axes.set_xticks(shown_epochs + 0.5, shown_epochs)
    axes.set_xlabel("epoch" if shown.certain else "epoch, at the earliest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    _name_phases(axes, shown, epochs)
    if low < high:
        bar = figure.colorbar(image, ax=axes, label="× learning rate")
        bar.ax.set_ylim(low, high * 1.2)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure


def _name_phases(axes, shown, epochs):
    starts = [start for _, start in shown.phases] + [epochs]
    for (name, start), end in zip(shown.phases, starts[1:], strict=True):
        if start:
            axes.axvline(start, color="black", linewidth=0.8)
        # Names of short phases would overlap; upright they take one epoch.
        upright = (end - start) * 0.4 < 0.09 * len(name)
        axes.annotate(
            name,
            ((start + end) / 2, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            rotation=90 if upright else 0,
            fontsize="small",
        )
