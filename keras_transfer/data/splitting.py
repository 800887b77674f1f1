"""What trains and what validates: by class, by group, copies on one side."""

import dataclasses
import warnings
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.model_selection import train_test_split

from keras_transfer.data.copies import exact_copies


@dataclasses.dataclass(frozen=True)
class Samples:
    """Photographs with what is to be learned of them.

    Args:
        paths: The files.
        labels: Class numbers, int32; or rows of numbers, float32.
        groups: What each belongs to, such as a patient, or `None`.
        weights: How much each counts, float32, or `None`.
    """

    paths: list[Path]
    labels: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

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
        )


def divide(
    samples: Samples, fraction: float, seed: int
) -> tuple[Samples, Samples]:
    """Divides photographs at random into those to train and to validate on.

    Every class is divided in the same proportion: it keeps one photograph or
    more for training, and gives one or more to validation if it has two.
    Photographs of a group, and files that are byte for byte the same, are
    never on both sides.

    Args:
        samples: The photographs.
        fraction: Fraction for validation, between 0 and 1.
        seed: Number that decides the draw.

    Raises:
        ValueError: There is but one group.
    """
    units = _copy_numbers(samples.paths)
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


def _copy_numbers(paths):
    """One number for all files that are byte for byte the same."""
    numbers = np.arange(len(paths))
    for copies in exact_copies(paths):
        numbers[copies] = copies[0]
    return numbers


def warn_of_copies(parts: Mapping[str, Samples], is_divided: bool) -> None:
    """Warns of copies that make figures too good, and of groups that cross.

    Args:
        parts: The photographs of `"train"`, `"validation"` and `"test"`.
        is_divided: Whether the parts were given, so that copies may be on both
            sides; otherwise they are divided afterwards.
    """
    paths = [path for part in parts.values() for path in part.paths]
    labels = [label for part in parts.values() for label in part.labels]
    roles = [role for role, part in parts.items() for _ in part.paths]
    sets = exact_copies(paths)
    if not sets:
        return
    crossing = [s for s in sets if len({roles[place] for place in s}) > 1]
    differing = [
        s for s in sets if any(_differ(labels[s[0]], labels[p]) for p in s)
    ]
    sentences = []
    if is_divided and crossing:
        count = sum(
            roles[place] != "train"
            for s in crossing
            if any(roles[p] == "train" for p in s)
            for place in s
        ) or len(crossing)
        sentences.append(
            f"{count} held-out photographs are byte for byte copies of others "
            f"in another part, such as {_pair(paths, crossing[0])}: figures "
            "on them are too good"
        )
    else:
        count = sum(map(len, sets)) - len(sets)
        sentences.append(
            f"{count} photographs are byte for byte copies of others, such as "
            f"{_pair(paths, sets[0])}; copies are kept in one part"
        )
    if differing:
        sentences.append(
            f"{len(differing)} photographs have several labels, such as "
            f"{_pair(paths, differing[0])}"
        )
    warnings.warn(f"{'. '.join(sentences)}.", stacklevel=4)


def warn_of_groups(parts: Mapping[str, Samples]) -> None:
    """Warns of groups with photographs in several given parts."""
    found = {
        role: set(part.groups.tolist())
        for role, part in parts.items()
        if part.groups is not None
    }
    train = found.pop("train", set())
    crossing = sorted(train & set().union(*found.values())) if found else []
    if crossing:
        warnings.warn(
            f"{len(crossing)} groups have photographs in training and outside "
            f"it, such as {crossing[0]!r}: figures may be too good.",
            stacklevel=4,
        )


def _differ(one, other):
    return bool(np.any(one != other))


def _pair(paths: Sequence[Path], places: Iterable[int]) -> str:
    first, second, *_ = places
    return f"{paths[first]} and {paths[second]}"
