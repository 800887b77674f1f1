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
_PANELS = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "f1": "F1",
    "mae": "Mean absolute error (scaled)",
}
# How metrics of training are called in the table.
_FIGURES = {
    "accuracy": "accuracy",
    "mean_average_precision": "mean average precision",
    "f1": "F1",
    "r2_score": "R2",
}


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
    test: Any,
    seconds: float,
) -> None:
    """Prints how good a trained model is, per class and overall.

    Args:
        model: The model with the weights that were kept.
        best: The epoch that they are from, counted from 1.
        history: Each metric by epoch.
        validation: The validation images with their labels, or `None`.
        test: The test images with their labels, which are judged here and
            nowhere else, or `None`.
        seconds: Duration of the training.
    """
    # Averaged over that epoch, while its weights changed.
    figures = {
        f"train {_FIGURES[name]}": _rounded(history[name][best - 1])
        for name in _FIGURES
        if name in history
    }
    for part, data in (("validation", validation), ("test", test)):
        if data is None:
            continue
        if data.task == "classification":
            figures |= _judge_classes(model, part, data)
        else:
            figures |= _judge(model, part, data)
    rows = [("epoch kept", f"{best} of {len(history['loss'])}")]
    rows += [*figures.items(), ("seconds", f"{seconds:.1f}")]
    print()
    print_table(("result", "value"), rows)


def _judge_classes(model, part, data):
    """Prints the figures of each class; returns the accuracy of all."""
    outputs = model.predict(data, verbose=0)
    predicted = prediction.class_probabilities(model, outputs).argmax(-1)
    names = data.class_names
    print(f"\n{part}")
    print_table(
        ("class", "precision", "recall", "images"),
        [
            (f.name, _rounded(f.precision), _rounded(f.recall), f.support)
            for f in figures_by_class(data.labels, predicted, names)
        ],
    )
    right = predicted == data.labels
    accuracy = _rounded(right.mean())
    if part == "test":
        accuracy += f" ({right.sum()} of {len(right)})"
    return {f"{part} accuracy": accuracy}


def _judge(model, part, data):
    """Returns the figures of several labels, or of numbers in their units."""
    found = model.evaluate(data, return_dict=True, verbose=0)
    figures = {
        f"{part} {_FIGURES[name]}": _rounded(found[name])
        for name in _FIGURES
        if name in found
    }
    if data.task == "regression":
        scaled = np.asarray(model.predict(data, verbose=0), "float64")
        std = np.array(data.targets["std"])
        errors = np.abs(scaled.reshape(data.labels.shape) - data.labels) * std
        names, units = data.targets["names"], data.targets["units"]
        for name, unit, error in zip(names, units, errors.mean(0), strict=True):
            what = f"{part} mean error of {name}"
            figures[what] = f"{error:.4g}{f' {unit}' if unit else ''}"
    return figures


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
