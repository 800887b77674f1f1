"""Division of photographs into folds that share no group."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.data.copies import copies_of


def folds_of(
    labels: np.ndarray, groups: np.ndarray, folds: int, repeats: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns rows to train on and rows to judge by, for each fold.

    Args:
        labels: Class numbers.
        groups: A number for each row; rows of one are not divided.
        folds: Number of folds, at least 2.
        repeats: How often the rows are divided anew.
        seed: Number that decides the divisions.

    Raises:
        ValueError: If a class has too few groups to be divided.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.model_selection import StratifiedKFold

    least = min(
        len(np.unique(groups[labels == name])) for name in np.unique(labels)
    )
    if least < 2:
        raise ValueError(
            "Cross-validation needs at least 2 photographs of each class that "
            "do not belong together. One class has fewer: add photographs, or "
            "leave the class out."
        )
    count = min(folds, least)
    is_grouped = len(np.unique(groups)) < len(groups)
    kind = StratifiedGroupKFold if is_grouped else StratifiedKFold
    found = []
    for repeat in range(repeats):
        split = kind(count, shuffle=True, random_state=seed + repeat)
        with warnings.catch_warnings():
            # Of classes that are in fewer groups than folds.
            warnings.simplefilter("ignore")
            found += list(split.split(labels, labels, groups))
    return [(a, b) for a, b in found if len(a) and len(b)]


def group_numbers(
    paths: Sequence[str] | None, groups: Sequence[Any] | None, count: int
) -> np.ndarray:
    """Returns a number for each row, equal for rows that belong together.

    Copies of one file always do.

    Args:
        paths: The files, or `None`.
        groups: What each row belongs to, or `None`.
        count: Number of rows.

    Raises:
        ValueError: If there is not a group for each row.
    """
    parent = np.arange(count)

    def root(row):
        while parent[row] != row:
            row = parent[row]
        return row

    pairs = list((copies_of(paths) if paths is not None else {}).items())
    if groups is not None:
        if len(groups) != count:
            raise ValueError(
                f"`groups` needs a value for each of {count} photographs. "
                f"Received {len(groups)}."
            )
        first: dict[Any, int] = {}
        pairs += [
            (row, first.setdefault(g, row)) for row, g in enumerate(groups)
        ]
    for row, other in pairs:
        parent[root(row)] = root(other)
    return np.array([root(row) for row in range(count)])


def groups_of(group: Any, names: Sequence[str]) -> list[Any] | None:
    """Returns what each photograph belongs to.

    Args:
        group: As for `audit`.
        names: Paths of the photographs within their folder.

    Raises:
        ValueError: As for `audit`.
    """
    if group is None:
        return None
    if isinstance(group, str):
        matches = [re.search(group, name) for name in names]
        if not any(matches):
            raise ValueError(
                f"The pattern group={group!r} is found in no path, such as "
                f"{names[0]!r}."
            )
        return [
            name if m is None else (m[1] if m.re.groups else m[0])
            for name, m in zip(names, matches, strict=True)
        ]
    if callable(group):
        return [group(name) for name in names]
    if len(group) != len(names):
        raise ValueError(
            f"`group` needs a value for each of {len(names)} photographs. "
            f"Received {len(group)}."
        )
    return list(group)
