"""What `keras-transfer fit` ends with: tables, `history.png`, `history.csv`."""

import csv
import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import precision_recall_fscore_support

from keras_transfer.cli.words import print_table
from keras_transfer.serving import prediction

# Distinguishable with red-green colour blindness.
TRAIN_COLOR, VALIDATION_COLOR = "#4477aa", "#ee6677"
_PANELS = {"loss": "Loss", "accuracy": "Accuracy"}


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """Precision and recall of one class.

    Args:
        name: Name of the class.
        precision: Fraction of the images predicted as this class that are of
            it; `None` if there are none.
        recall: Fraction of the images of this class that were predicted as
            it; `None` if there are none.
        support: Number of images of this class.
    """

    name: str
    precision: float | None
    recall: float | None
    support: int


def figures_by_class(
    labels: Sequence[int], predicted: Sequence[int], class_names: Sequence[str]
) -> list[ClassFigures]:
    """Computes precision and recall of each class.

    Args:
        labels: True class numbers.
        predicted: Predicted class numbers, in the same order.
        class_names: Names of all classes, in the order of their numbers.

    Example:
    >>> figures_by_class([0, 0, 1], [0, 1, 1], ["ant", "bee"])[0]
    ClassFigures(name='ant', precision=1.0, recall=0.5, support=2)
    """
    numbers = range(len(class_names))
    precision, recall, _, support = precision_recall_fscore_support(
        labels, predicted, labels=list(numbers), zero_division=np.nan
    )
    return [
        ClassFigures(
            class_names[number],
            _known(precision[number]),
            _known(recall[number]),
            int(support[number]),
        )
        for number in numbers
    ]


def _known(figure):
    return None if np.isnan(figure) else float(figure)


def print_result(
    model: keras.Model,
    best: int,
    history: Mapping[str, Sequence[float]],
    validation: Any,
    seconds: float,
) -> None:
    """Prints how good a trained model is, per class and overall.

    Args:
        model: The model with the weights that were kept.
        best: The epoch that they are from, counted from 1.
        history: Each metric by epoch.
        validation: The validation images with their labels.
        seconds: Duration of the training.
    """
    outputs = model.predict(validation, verbose=0)
    predicted = prediction.class_probabilities(model, outputs).argmax(-1)
    figures = figures_by_class(
        validation.labels, predicted, validation.class_names
    )
    accuracy = (predicted == validation.labels).mean()
    print()
    print_table(
        ("class", "precision", "recall", "images"),
        [
            (f.name, _rounded(f.precision), _rounded(f.recall), f.support)
            for f in figures
        ],
    )
    print()
    print_table(
        ("result", "value"),
        [
            ("epoch kept", f"{best} of {len(history['loss'])}"),
            # Averaged over that epoch, while its weights changed.
            ("train accuracy", _rounded(history["accuracy"][best - 1])),
            ("validation accuracy", _rounded(accuracy)),
            ("seconds", f"{seconds:.1f}"),
        ],
    )


def _rounded(figure):
    return "-" if figure is None else f"{figure:.3f}"


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
