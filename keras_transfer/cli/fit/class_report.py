"""The tables that `keras-transfer fit` ends with."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from keras_transfer.cli.tables import print_table
from keras_transfer.serving import prediction


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
