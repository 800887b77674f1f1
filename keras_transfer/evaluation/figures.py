"""Figures of predictions whose answers are known, as plain JSON values."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import metrics

_NORMAL_95 = 1.959963984540054
_BINS = 10
_SIMULATIONS = 200
_POINTS = 200


def wilson_interval(
    share: float, count: int, z: float = _NORMAL_95
) -> tuple[float, float]:
    """Returns the Wilson interval of a share.

    Unlike share ± error it stays between 0 and 1, and has a width where
    everything or nothing was right.

    Args:
        share: The observed share, from 0 to 1.
        count: How many it was observed on, at least 1.
        z: Half-width in standard deviations. Defaults to that of 95%.

    Example:
    >>> [round(end, 3) for end in wilson_interval(0.9, 100)]
    [0.826, 0.945]

    Reference: [Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)
    """
    shrunk = 1 + z * z / count
    middle = (share + z * z / (2 * count)) / shrunk
    spread = share * (1 - share) / count + z * z / (4 * count * count)
    half = z * math.sqrt(spread) / shrunk
    return max(0.0, middle - half), min(1.0, middle + half)


def class_figures(
    labels: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Returns the figures of a classifier.

    Args:
        labels: True class numbers.
        predicted: Predicted class numbers, in the same order.
        probabilities: Of shape `(rows, classes)`.
        class_names: Names of the classes.
    """
    numbers = list(range(len(class_names)))
    accuracy = float((labels == predicted).mean())
    known = np.unique(labels)
    recalls = [(predicted[labels == c] == c).mean() for c in known]
    figures = {
        "count": len(labels),
        "accuracy": accuracy,
        "accuracy_interval": list(wilson_interval(accuracy, len(labels))),
        "balanced_accuracy": float(np.mean(recalls)),
        "classes": _of_each(labels, predicted, numbers, class_names),
        "confusion": metrics.confusion_matrix(
            labels, predicted, labels=numbers
        ).tolist(),
        "calibration": calibration(labels, probabilities),
    }
    if len(numbers) == 2:
        is_second = labels == 1
        figures["curves"] = {
            class_names[1]: _curves(is_second, probabilities[:, 1])
        }
    return figures


def label_figures(
    labels: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Returns the figures of a model that tells several labels at once.

    Args:
        labels: 0 or 1 for each row and label, of shape `(rows, labels)`.
        predicted: As the model says, of the same shape.
        probabilities: Of the same shape.
        class_names: Names of the labels.
    """
    exact = float((labels == predicted).all(-1).mean())
    columns = list(range(len(class_names)))
    return {
        "count": len(labels),
        # All labels of a photograph, as scikit-learn counts it.
        "accuracy": exact,
        "accuracy_interval": list(wilson_interval(exact, len(labels))),
        "label_accuracy": float((labels == predicted).mean()),
        "classes": _of_each(labels, predicted, columns, class_names),
        "micro_f1": float(
            metrics.f1_score(
                labels, predicted, average="micro", zero_division=0
            )
        ),
        "macro_f1": float(
            metrics.f1_score(
                labels, predicted, average="macro", zero_division=0
            )
        ),
        "confusion": metrics.multilabel_confusion_matrix(
            labels, predicted
        ).tolist(),
        "curves": {
            name: _curves(labels[:, c] == 1, probabilities[:, c])
            for c, name in enumerate(class_names)
        },
    }


def number_figures(
    numbers: np.ndarray,
    predicted: np.ndarray,
    names: Sequence[str],
    units: Sequence[str | None],
) -> dict[str, Any]:
    """Returns the figures of a regression, in the units of its targets.

    Args:
        numbers: True numbers, of shape `(rows, targets)`.
        predicted: What the model says, of the same shape.
        names: Name of each number.
        units: Unit of each, or `None`.
    """
    targets = []
    for column, name in enumerate(names):
        pair = numbers[:, column], predicted[:, column]
        # Of a constant, or of one row, R² says nothing.
        is_constant = np.ptp(pair[0]) == 0
        targets.append(
            {
                "name": name,
                "unit": units[column],
                "mae": float(metrics.mean_absolute_error(*pair)),
                "rmse": float(metrics.root_mean_squared_error(*pair)),
                "r2": None if is_constant else float(metrics.r2_score(*pair)),
            }
        )
    return {"count": len(numbers), "targets": targets}


def calibration(
    labels: np.ndarray, probabilities: np.ndarray
) -> dict[str, Any]:
    """Returns how far probabilities can be believed.

    The expected calibration error of a finite sample is never 0; its floor is
    what a model whose probabilities are exactly right would show on as many
    photographs, by simulation.

    Args:
        labels: True class numbers.
        probabilities: Of shape `(rows, classes)`.
    """
    confidence = probabilities.max(-1)
    is_right = probabilities.argmax(-1) == labels
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    curve = []
    for place in np.unique(places):
        inside = places == place
        share, count = float(is_right[inside].mean()), int(inside.sum())
        curve.append(
            {
                "confidence": float(confidence[inside].mean()),
                "accuracy": share,
                "interval": list(wilson_interval(share, count)),
                "count": count,
            }
        )
    rng = np.random.default_rng(0)
    perfect = [
        _calibration_error(confidence, draw < confidence, places)
        for draw in rng.random((_SIMULATIONS, len(confidence)))
    ]
    return {
        "error": _calibration_error(confidence, is_right, places),
        "floor": float(np.mean(perfect)),
        "floor_95": float(np.quantile(perfect, 0.95)),
        "mean_confidence": float(confidence.mean()),
        "curve": curve,
    }


def _calibration_error(confidence, is_right, places):
    gaps = np.bincount(places, is_right - confidence, _BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _of_each(labels, predicted, numbers, class_names):
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=numbers, zero_division=np.nan
    )
    return [
        {
            "name": class_names[number],
            "precision": _known(precision[number]),
            "recall": _known(recall[number]),
            "f1": _known(f1[number]),
            "support": int(support[number]),
        }
        for number in numbers
    ]


def _known(figure):
    return None if np.isnan(figure) else float(figure)


def _curves(is_true, scores):
    """ROC and precision by recall, where both kinds of rows are there."""
    if is_true.all() or not is_true.any():
        return None
    false_rate, true_rate, _ = metrics.roc_curve(is_true, scores)
    precision, recall, _ = metrics.precision_recall_curve(is_true, scores)
    return {
        "roc_auc": float(metrics.roc_auc_score(is_true, scores)),
        "average_precision": float(
            metrics.average_precision_score(is_true, scores)
        ),
        "roc": _thinned(false_rate, true_rate),
        "precision_recall": _thinned(recall, precision),
    }


def _thinned(x, y):
    """Points of a curve, few enough to be drawn."""
    kept = np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int)
    pairs = np.stack([x[kept], y[kept]], -1)
    return [[float(a), float(b)] for a, b in pairs]
