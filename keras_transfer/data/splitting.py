"""What trains and what validates: by class, by group, copies on one side."""

import dataclasses
import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.model_selection import train_test_split

from keras_transfer.data.copies import exact_copies
from keras_transfer.data.near_copies import near_copy_numbers

# What `copies=` may be.
COPIES = ("together", "exact", "ignore")


@dataclasses.dataclass(frozen=True)
class Samples:
    """Photographs with what is to be learned of them.

    Args:
        paths: The files.
        labels: Class numbers, int32; or rows of numbers, float32.
        groups: What each belongs to, such as a patient, or `None`.
        weights: How much each counts, float32, or `None`.
        copies: A number for each, the same for files that are byte for byte
            the same, or `None` if they have not been looked for.
    """

    paths: list[Path]
    labels: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    copies: np.ndarray | None = None

    def __len__(self):
        return len(self.paths)

    @property
    def are_classes(self) -> bool:
        """Whether each has one class."""
        return self.labels.ndim == 1

    def take(self, rows: Sequence[int]) -> "Samples":
        """Returns some of them, by their places."""
        rows = np.asarray(rows, dtype=int)
        return Samples(
            [self.paths[row] for row in rows],
            self.labels[rows],
            None if self.groups is None else self.groups[rows],
            None if self.weights is None else self.weights[rows],
            None if self.copies is None else self.copies[rows],
        )


def with_copies(parts: Mapping[str, Samples]) -> dict[str, Samples]:
    """Returns photographs with the numbers of those that are the same.

    Args:
        parts: Those of `"train"`, `"validation"` and `"test"`.
    """
    numbers = _exact_numbers(
        [path for part in parts.values() for path in part.paths]
    )
    ends = np.cumsum([len(part) for part in parts.values()])[:-1]
    return {
        role: dataclasses.replace(part, copies=own)
        for (role, part), own in zip(
            parts.items(), np.split(numbers, ends), strict=True
        )
    }


def divide(
    samples: Samples, fraction: float, seed: int, copies: str = "together"
) -> tuple[Samples, Samples]:
    """Divides photographs at random into those to train and to validate on.

    Every class is divided in the same proportion: it keeps one photograph or
    more for training, and gives one or more to validation if it has two.
    Photographs of a group, and copies of one photograph, are never on both
    sides.

    Args:
        samples: The photographs.
        fraction: Fraction for validation, between 0 and 1.
        seed: Number that decides the draw.
        copies: `"together"`: files that are byte for byte the same, or near
            copies (see `near_copy_numbers`), are on one side; `"exact"`: only
            the former; `"ignore"`: they are divided like any others. Defaults
            to `"together"`.

    Raises:
        ValueError: There is but one group.
    """
    units = _copy_numbers(samples, copies)
    if samples.groups is not None:
        units = _joined(
            units, np.unique(samples.groups, return_inverse=True)[1]
        )
        held_out = _groups_held_out(samples, units, fraction, seed)
    else:
        held_out = _units_held_out(samples, units, fraction, seed)
    rows = np.arange(len(samples))
    return samples.take(rows[~held_out]), samples.take(rows[held_out])


def _units_held_out(samples, units, fraction, seed):
    """Whether each is held out: a class is divided for itself."""
    classes = samples.labels
    if not samples.are_classes:
        classes = np.zeros(len(samples), dtype=int)
    _, first = np.unique(units, return_index=True)
    chosen = []
    for number in np.unique(classes):
        # Copies in several classes go with the first.
        own = np.sort(first[classes[first] == number])
        if len(own) < 2:
            continue
        # Over all classes at once, `stratify=` leaves small classes without
        # validation images, or refuses them.
        wanted = round(fraction * len(own))
        count = min(max(wanted, 1), len(own) - 1)
        _, held_out = train_test_split(own, test_size=count, random_state=seed)
        chosen.extend(units[held_out])
    return np.isin(units, chosen)


def _groups_held_out(samples, units, fraction, seed):
    count = len(np.unique(units))
    if count < 2:
        raise ValueError(
            "All photographs belong to one group, so that none can be held "
            "out. Expected two groups or more, or validation_split=0."
        )
    if samples.are_classes:
        folds = min(max(round(1 / fraction), 2), count)
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    else:
        splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
    with warnings.catch_warnings():
        # A class of few photographs is reported for itself.
        warnings.filterwarnings("ignore", "The least populated class")
        labels = samples.labels if samples.are_classes else None
        places = np.zeros(len(samples))
        _, held_out = next(splitter.split(places, labels, units))
    return np.isin(np.arange(len(samples)), held_out)


def _joined(one, other):
    """Numbers of the groups that two groupings make together."""
    parent = list(range(len(one)))

    def root(place):
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for numbers in (one, other):
        seen = {}
        for place, number in enumerate(numbers):
            parent[root(place)] = root(seen.setdefault(number, place))
    return np.array([root(place) for place in range(len(one))])


def _exact_numbers(paths):
    """One number for all files that are byte for byte the same."""
    numbers = np.arange(len(paths))
    for copies in exact_copies(paths):
        numbers[copies] = copies[0]
    return numbers


def _copy_numbers(samples, copies):
    """One number for all files that are to stay together."""
    if copies == "ignore":
        return np.arange(len(samples))
    exact = samples.copies
    if exact is None:
        exact = _exact_numbers(samples.paths)
    _, first, numbers = np.unique(exact, return_index=True, return_inverse=True)
    if copies == "exact":
        return first[numbers]
    # One of each, so that no photograph is decoded twice.
    return near_copy_numbers([samples.paths[p] for p in first])[numbers]
