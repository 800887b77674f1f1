"""The audit of photographs before they are believed."""

import warnings
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.data.copies import copies_of
from keras_transfer.evaluation.audit_result import Audit
from keras_transfer.evaluation.audit_result import Finding
from keras_transfer.evaluation.duplicates import check_imagehash
from keras_transfer.evaluation.duplicates import near_copies
from keras_transfer.evaluation.duplicates import perceptual_hashes
from keras_transfer.evaluation.folds import groups_of
from keras_transfer.evaluation.material import Material
from keras_transfer.evaluation.material import material_of
from keras_transfer.evaluation.suspects import check_cleanlab
from keras_transfer.evaluation.suspects import outliers
from keras_transfer.evaluation.suspects import wrong_labels

# From here on a model would rather not name the rare class at all.
_IMBALANCE = 5


def audit(
    data: Any,
    model: Any = None,
    *,
    features: np.ndarray | None = None,
    group: str | Callable[[str], Any] | Sequence[Any] | None = None,
    seed: int = 0,
) -> Audit:
    """Finds what makes figures on photographs better or worse than the truth.

    Exact and near duplicates, across splits first, since these make a model
    look better than it is; groups that cross splits; labels that are probably
    wrong; photographs that are blank or unlike all others; classes that are
    rare. Whatever it finds is for a person to look at: it changes no file.
    The extra `audit` installs what it takes.

    Args:
        data: A folder of class folders, with or without splits; a data set of
            `kt.data`; a list of these for training, validation and test; or a
            dictionary of them by the name of their split. All of files.
        model: A Keras model with a backbone, a backbone of
            `kt.create_backbone`, or the path of a `.keras` file, for what
            takes features: crops among the near duplicates, wrong
            labels, outliers. Defaults to `None`: these are left out, unless
            `features` are given.
        features: Vectors of the photographs, of shape `(rows, size)`, in the
            order of training, validation, test, instead of `model`.
        group: What belongs together, such as photographs of one patient: a
            regular expression that is searched for in the file's path within
            the folder (its first group, or all of it), a function of that
            path, or a list with one value for each photograph. Defaults to
            `None`.
        seed: Number that decides the folds of the search for wrong labels.

    Returns:
        An `Audit`: `.findings`, `.table()`, `.html("audit.html")`,
        `.write_csv("audit.csv")` and `.write_fixed("clean.csv")`.

    Raises:
        ImportError: If the extra is not installed.
        ValueError: For data without files, features of another number, or a
            group that is found in no path.

    Example:
    >>> import keras_transfer as kt
    >>> found = kt.audit("photos")
    >>> found.count("exact_copy")
    0

    Reference: [Northcutt et al., 2021](https://arxiv.org/abs/2103.14749)
    """
    check_imagehash()
    if model is not None or features is not None:
        check_cleanlab()
    material = material_of(data)
    if material.paths is None:
        raise ValueError(
            "An audit compares files. Expected a folder, or data sets of "
            "kt.data. Received arrays."
        )
    groups = groups_of(group, material.names)
    material, bad, kept = _sound(material)
    if groups is not None:
        groups = [groups[row] for row in kept]
    if features is None and model is not None:
        features = _features(model, material)
    elif features is not None:
        features = _checked(features, material, kept)
    found = [*bad, *_copies(material, features)]
    if groups is not None:
        found += _across_splits(material, groups)
    notes = _imbalance(material)
    if features is not None:
        found += _suspects(material, features, seed)
    else:
        notes.append(
            "Wrong labels, outliers and crops were not looked for: that takes "
            "a network (--backbone or --model; in Python: model=)."
        )
    return Audit(tuple(found), material, tuple(notes), groups and tuple(groups))


def _sound(material):
    from keras_transfer.data.check import check_images

    reasons = check_images(material.paths)
    names = material.names
    bad = [
        Finding(names[row], "unreadable", reasons[path], None)
        for row, path in enumerate(material.paths)
        if path in reasons
    ]
    kept = [r for r, path in enumerate(material.paths) if path not in reasons]
    if not kept:
        raise ValueError("There is no sound image among these files.")
    return material.only(kept), bad, kept


def _features(model, material):
    from keras_transfer.embedding import embed
    from keras_transfer.heads.linear import LinearHead
    from keras_transfer.models.transfer import build_model
    from keras_transfer.structure import model_info

    if not hasattr(model, "predict_on_batch"):
        from keras_transfer.saving.loading import load_model

        model = load_model(model)
    elif model_info.find(model) is None and model_info.provenance_of(model):
        # A backbone alone takes pixels that were prepared for it.
        model = build_model(model, LinearHead(2))
    return np.asarray(embed(model, list(material.paths)).vectors, "float32")


def _checked(features, material, kept):
    features = np.asarray(features, "float32")
    if features.ndim != 2 or len(features) < len(kept):
        raise ValueError(
            f"`features` need a vector for each of {len(material)} "
            f"photographs. Received the shape {features.shape}."
        )
    return features[kept] if len(features) > len(kept) else features


def _copies(material: Material, features):
    """Findings of copies, those across splits first."""
    names, exact = material.names, copies_of(material.paths)
    hashes = perceptual_hashes(material.paths)
    kinds = sorted(set(material.splits))
    parts = np.array([kinds.index(split) for split in material.splits])
    across, within = [], []
    for row, first in _exact_across(material, exact).items():
        pair = names[row], "exact_copy_across_splits", names[first], 1.0
        across.append(Finding(*pair))
    told = {finding.file for finding in across}
    if len(kinds) > 1:
        for row, (other, score) in near_copies(hashes, features, parts).items():
            if names[row] not in told:
                pair = names[row], "near_copy_across_splits", names[other]
                across.append(Finding(*pair, score))
    told |= {finding.file for finding in across}
    for row, first in exact.items():
        if names[row] not in told:
            pair = names[row], "exact_copy", names[first], 1.0
            within.append(Finding(*pair))
            told.add(names[row])
    for row, (other, score) in near_copies(hashes, features).items():
        if names[row] not in told:
            pair = names[row], "near_copy", names[other], score
            within.append(Finding(*pair))
    blank = [
        Finding(names[row], "blank", "", None)
        for row in np.nonzero(hashes[2])[0]
    ]
    return [*across, *within, *blank]


def _exact_across(material, exact):
    """Copies of a file of another split: one finding for each."""
    members: dict[int, list[int]] = {}
    for row, first in exact.items():
        members.setdefault(first, [first]).append(row)
    found = {}
    for rows in members.values():
        for place, row in enumerate(rows):
            others = [
                other
                for other in rows[:place]
                if material.splits[other] != material.splits[row]
            ]
            if others:
                found[row] = others[0]
    return found


def _suspects(material, features, seed):
    names, found = material.names, []
    labels = material.labels
    if labels.ndim == 1 and labels.dtype.kind in "iu":
        classes = material.class_names
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrong = wrong_labels(features, labels, seed)
        for row, (likely, probability) in wrong.items():
            named = classes[likely] if classes else str(likely)
            found.append(Finding(names[row], "wrong_label", named, probability))
    for row, distance in outliers(features).items():
        found.append(Finding(names[row], "outlier", "", distance))
    return found


def _across_splits(material, groups):
    first: dict[Any, int] = {}
    found = []
    for row, name in enumerate(material.names):
        other = first.setdefault(groups[row], row)
        if material.splits[other] != material.splits[row]:
            partner = material.names[other]
            found.append(Finding(name, "group_across_splits", partner, None))
    return found


def _imbalance(material):
    labels = material.labels
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        return []
    names = material.class_names or [str(n) for n in range(labels.max() + 1)]
    counts = np.bincount(labels, minlength=len(names))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] < _IMBALANCE * max(counts[least], 1):
        return []
    return [
        f"The classes are uneven: {counts[most]:,} photographs of "
        f"{names[most]!r}, {counts[least]:,} of {names[least]!r}. Judge by "
        "balanced accuracy, and train with class_weight."
    ]
