"""Training history on disk: metrics in a table, curves in a picture."""

import csv
import os
from collections.abc import Mapping
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Distinguishable with red-green colour blindness.
TRAIN_COLOR, VALIDATION_COLOR = "#4477aa", "#ee6677"
_PANELS = {"loss": "Loss", "accuracy": "Accuracy"}


def write_history_csv(
    path: str | os.PathLike, history: Mapping[str, Sequence[float]]
) -> None:
    """Writes one line per epoch, counted from 1.

    Args:
        path: The file.
        history: Each metric by epoch, like `fit(...).history`.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *history])
        rows = zip(*history.values(), strict=True)
        writer.writerows([i, *row] for i, row in enumerate(rows, start=1))


def draw_history(
    path: str | os.PathLike,
    history: Mapping[str, Sequence[float]],
    best: int | None = None,
    title: str = "",
) -> None:
    """Draws the curves of loss and accuracy side by side.

    Args:
        path: The picture; its extension determines the format.
        history: Each metric by epoch.
        best: The epoch to mark, counted from 1. Defaults to none.
        title: Text above the curves. Defaults to none.
    """
    shown = [name for name in _PANELS if name in history]
    # Not pyplot, which keeps figures in memory and may need a display.
    figure = Figure(figsize=(4.8 * len(shown), 3.9), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, name in zip(panels, shown, strict=True):
        _draw_curves(axes, history, name, best)
    if title:
        # Dollar signs in a folder's name would start formulas.
        figure.suptitle(title, fontsize=11, parse_math=False)
    figure.savefig(path, dpi=130)


def _draw_curves(axes: Axes, history, name, best):
    curves = {
        "training": (history[name], TRAIN_COLOR),
        "validation": (history.get(f"val_{name}", ()), VALIDATION_COLOR),
    }
    for label, (values, color) in curves.items():
        if values:
            epochs = range(1, len(values) + 1)
            # A line alone would not show a single epoch.
            axes.plot(epochs, values, "o-", ms=3.5, color=color, label=label)
    if best is not None:
        axes.axvline(
            best, color="0.6", lw=1, ls="--", zorder=0, label="kept epoch"
        )
    axes.set(xlabel="epoch", ylabel=_PANELS[name])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
