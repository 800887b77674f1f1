"""What more photographs would give, with how far that can be believed."""

import dataclasses
from typing import Any

import numpy as np

_DRAWS = 10
_LEAST_OF_CLASS = 4  # In the smallest part that is trained on.
_BOOTSTRAPS = 200


@dataclasses.dataclass(frozen=True)
class LearningCurve:
    """Accuracy by number of photographs, and with twice as many.

    Args:
        sizes: Numbers of photographs that heads were trained on.
        accuracies: Their mean accuracy on photographs that they had not seen.
        doubled: What twice the photographs would give.
        error: How far that may be off: what the same extrapolation from fewer
            photographs has missed, joined with the spread of the draws.
    """

    sizes: tuple[int, ...]
    accuracies: tuple[float, ...]
    doubled: float
    error: float

    def __str__(self):
        told = (
            "twice the photographs would give about "
            f"{self.doubled:.3f} ± {self.error:.3f}"
        )
        if self.doubled - self.error <= self.accuracies[-1]:
            return f"{told}, so it cannot be told whether more would help"
        return told


def learning_curve(
    trainer: Any,
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    accuracy: float,
    folds: int,
    seed: int = 0,
) -> LearningCurve | None:
    """Returns the learning curve; `None` where photographs are too few.

    Heads are trained on a quarter and a half of the photographs; with the
    folds these are three points of a power law.

    Args:
        trainer: Trains heads.
        features: A row for each photograph.
        labels: Class numbers.
        groups: A number for each row; rows of one are not divided.
        accuracy: What cross-validation found.
        folds: Its number of folds.
        seed: Number that decides the draws.
    """
    count = len(labels)
    if np.bincount(labels)[np.unique(labels)].min() < 4 * _LEAST_OF_CLASS:
        return None
    rng = np.random.default_rng(seed)
    pairs = [
        _draw(labels, groups, part, rng)
        for part in (0.25, 0.5)
        for _ in range(_DRAWS)
    ]
    if any(not len(rest) for _, rest in pairs):
        return None
    said = trainer.predict(features, labels, pairs)
    scores = [
        (predicted == labels[rest]).mean()
        for predicted, (_, rest) in zip(said, pairs, strict=True)
    ]
    scores = np.array(scores).reshape(2, _DRAWS)
    sizes = [
        int(np.mean([len(rows) for rows, _ in pairs[start : start + _DRAWS]]))
        for start in (0, _DRAWS)
    ]
    sizes.append(round(count * (folds - 1) / folds))
    points = [*scores.mean(1), accuracy]
    doubled = _extrapolated(sizes, points, 2 * count)
    drawn = rng.integers(0, _DRAWS, (_BOOTSTRAPS, 2, _DRAWS))
    means = np.take_along_axis(scores[None], drawn, -1).mean(-1)
    spread = np.std(
        [_extrapolated(sizes, [*m, accuracy], 2 * count) for m in means]
    )
    # The point of the folds is as uncertain as its photographs are few.
    own = np.sqrt(max(accuracy * (1 - accuracy), 1 / count) / count)
    missed = accuracy - _extrapolated(sizes[:2], points[:2], sizes[2])
    error = float(2 * np.sqrt(spread**2 + own**2) + abs(missed))
    return LearningCurve(
        tuple(sizes), tuple(map(float, points)), float(doubled), error
    )


def _draw(labels, groups, part, rng):
    """Rows to train on, a part of each class in whole groups, and the rest."""
    taken = np.zeros(len(labels), bool)
    wanted = np.bincount(labels) * part
    have = np.zeros(len(wanted))
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    for group in rng.permutation(list(members)):
        rows = members[group]
        label = labels[rows[0]]
        if have[label] < wanted[label]:
            taken[rows] = True
            have += np.bincount(labels[rows], minlength=len(have))
    return np.nonzero(taken)[0], np.nonzero(~taken)[0]


def _extrapolated(sizes, accuracies, size):
    """A power law of the error, which never rises with more photographs."""
    errors = np.maximum(1 - np.asarray(accuracies), 1e-3)
    slope, start = np.polyfit(np.log(sizes), np.log(errors), 1)
    if slope > 0:
        return float(accuracies[-1])
    return float(1 - np.exp(start + slope * np.log(size)))
