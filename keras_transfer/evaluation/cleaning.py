"""The photographs that can stay after an audit."""

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.evaluation.material import Material


def cleaned_rows(
    material: Material, findings: Sequence[Any], groups: Sequence[Any] | None
) -> list[tuple[str, str, str]]:
    """Returns file, label and split of each photograph that can stay.

    Args:
        material: The photographs.
        findings: What an audit has found among them.
        groups: What each belongs to, or `None`.
    """
    names, splits = material.names, list(material.splits)
    place = {name: row for row, name in enumerate(names)}
    out = set()
    for each in findings:
        row = place.get(each.file)
        if each.problem == "blank":
            out.add(row)
        elif "copy" in each.problem:
            out |= _copies_out(material, row, place[each.partner], each.problem)
        elif each.problem == "wrong_label" and splits[row] in ("", "train"):
            out.add(row)
    if groups is not None:
        _gather(groups, splits)
    return [
        (name, label_of(material, row), splits[row])
        for row, name in enumerate(names)
        if row not in out
    ]


def label_of(material: Material, row: int) -> str:
    """Returns the label of a photograph as text.

    Args:
        material: The photographs.
        row: Its number.
    """
    label = material.labels[row]
    if np.ndim(label) or label.dtype.kind not in "iu":
        return str(label.tolist())
    names = material.class_names
    return names[label] if names else str(label)


def _copies_out(material, row, other, problem):
    labels = material.labels
    if not np.array_equal(labels[row], labels[other]):
        return {row, other}  # Nobody knows which of the labels is right.
    # Rows are in the order train, validation, test: the earlier one is learned.
    return {min(row, other)} if "across" in problem else {row}


def _gather(groups, splits):
    """Gives all of a group the split that most of it has."""
    members = collections.defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    for rows in members.values():
        counted = collections.Counter(splits[row] for row in rows)
        ((most, _),) = counted.most_common(1)
        for row in rows:
            splits[row] = most
