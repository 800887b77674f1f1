"""Figures of a classifier for each of its classes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import precision_recall_fscore_support


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """How a classifier does on one class.

    Args:
        name: Name of the class.
        precision: Fraction right of the images that were given this class;
            `None` where none was.
        recall: Fraction found of the images that are of this class; `None`
            where none is.
        support: Number of images that are of this class.
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
