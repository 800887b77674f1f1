"""Warnings of photographs that are on both sides of a split."""

import warnings
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_transfer.data.splitting import Samples

_FATE = {
    "together": "copies are kept in one part",
    "exact": "copies are kept in one part",
    "ignore": "they may be in both parts, where figures are too good",
}


def warn_of_copies(
    parts: Mapping[str, Samples], copies: str = "together"
) -> None:
    """Warns of copies: in two given parts, or to be divided afterwards.

    Args:
        parts: The photographs of `"train"`, `"validation"` and `"test"`, as
            `with_copies` returns them.
        copies: As of `divide`. Defaults to `"together"`.
    """
    paths = [path for part in parts.values() for path in part.paths]
    labels = [label for part in parts.values() for label in part.labels]
    roles = [role for role, part in parts.items() for _ in part.paths]
    numbers = np.concatenate([part.copies for part in parts.values()])
    order = np.argsort(numbers, kind="stable")
    edges = np.flatnonzero(np.diff(numbers[order])) + 1
    sets = [s for s in np.split(order, edges) if len(s) > 1]
    if not sets:
        return
    crossing = [s for s in sets if len({roles[place] for place in s}) > 1]
    differing = [
        s for s in sets if any(_differ(labels[s[0]], labels[p]) for p in s)
    ]
    sentences = []
    if crossing:
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
            f"{_pair(paths, sets[0])}; {_FATE[copies]}"
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
