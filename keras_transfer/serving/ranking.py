"""Outputs of a classifier as names of classes, best first."""

import dataclasses
from collections.abc import Sequence

import numpy as np

_LOGITS = (None, "linear")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One class with its probability.

    Args:
        label: Name of the class, or its number where the names are unknown.
        probability: Between 0 and 1.
    """

    label: str
    probability: float


def probabilities_of(outputs: np.ndarray, activation: str | None) -> np.ndarray:
    """Returns a probability for each class, also for logits or one unit.

    Args:
        outputs: What a classifier returned, of shape `(batch, units)`.
        activation: What ends it; `None` or `"linear"` for logits.

    Example:
    >>> probabilities_of(np.zeros((1, 1)), "linear")
    array([[0.5, 0.5]])
    """
    outputs = np.asarray(outputs, "float64")
    is_logits = activation in _LOGITS
    if outputs.shape[-1] == 1:
        if is_logits:
            # The tails of exp overflow harmlessly to the right limit.
            with np.errstate(over="ignore"):
                outputs = 1 / (1 + np.exp(-outputs))
        return np.concatenate([1 - outputs, outputs], axis=-1)
    if is_logits:
        outputs = np.exp(outputs - outputs.max(-1, keepdims=True))
        outputs /= outputs.sum(-1, keepdims=True)
    return outputs


def rank(
    probabilities: np.ndarray, names: Sequence[str] | None, top: int
) -> list[list[Prediction]]:
    """Returns the most probable classes of each row, best first.

    Args:
        probabilities: Of shape `(batch, num_classes)`.
        names: Names of the classes; `None` where they are unknown.
        top: Number of classes for each row; all where there are fewer.

    Example:
    >>> rank(np.array([[0.25, 0.75]]), ["ant", "bee"], 1)
    [[Prediction(label='bee', probability=0.75)]]
    """
    order = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top]
    return [
        [Prediction(names[c] if names else str(c), float(row[c])) for c in best]
        for row, best in zip(probabilities, order, strict=True)
    ]
