"""Agreement on the classes, and the one report of what is wrong."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_transfer.data.folder_names import composed
from keras_transfer.data.scan import Scan
from keras_transfer.names import did_you_mean

_NAMED = {"error": 20, "skip": 5}


def choose_classes(train: Scan, class_names: Sequence[str] | None) -> list[str]:
    """Returns the classes in the order of their labels.

    Raises:
        ValueError: A name is asked for twice, or has no folder.
    """
    found = sorted(train.images)
    if class_names is None:
        return found
    chosen = [composed(str(name)) for name in class_names]
    repeated = sorted({name for name in chosen if chosen.count(name) > 1})
    if repeated:
        raise ValueError(f"`class_names` repeats {repeated}; name each once.")
    for name in chosen:
        if name not in train.images:
            raise ValueError(
                f"`class_names` has {name!r}, but {train.root} has no such "
                f"folder; its class folders are {found}."
                + did_you_mean(str(name), found)
            )
    dropped = [name for name in found if name not in chosen]
    if dropped:
        warnings.warn(
            f"Left out these folders of {train.root}, which `class_names` "
            f"does not have: {', '.join(map(repr, dropped))}.",
            stacklevel=3,
        )
    return chosen


def unknown_classes(train: Scan, held_out: Scan) -> list[str]:
    """Returns a sentence where validation has a class that training has not."""
    unknown = sorted(set(held_out.images) - set(train.images))
    if not unknown:
        return []
    return [
        f"{held_out.root} has class folders that {train.root} has not: "
        f"{', '.join(map(repr, unknown))}; rename or remove them, the classes "
        f"are {sorted(train.images)}"
    ]


def missing_classes(class_names: Sequence[str], held_out: Scan) -> list[str]:
    """Returns a sentence where validation lacks a folder for a class.

    Keras would shift the labels of all classes after it without a word.
    """
    missing = [name for name in class_names if name not in held_out.images]
    if not missing:
        return []
    return [
        f"{held_out.root} has no folder for {', '.join(map(repr, missing))}, "
        "so validation could say nothing of it; move some images there, or "
        f"leave the class out with class_names="
        f"{[name for name in class_names if name not in missing]}"
    ]


def empty_classes(scan: Scan) -> list[str]:
    """Returns a sentence for each class folder without images."""
    return [
        f"the class folder {str(scan.folder_of(name))!r} holds no image; add "
        "some or remove the folder"
        for name, files in scan.images.items()
        if not files
    ]


def emptied_classes(before: Scan, after: Scan) -> list[str]:
    """Returns a sentence for each class whose images are all bad files."""
    return [
        "no sound image is left in the class folder "
        f"{str(after.folder_of(name))!r}"
        for name, files in after.images.items()
        if not files and before.images[name]
    ]


def explain_one_class(train: Scan) -> list[str]:
    """Returns a sentence where there are fewer than two classes."""
    if len(train.images) > 1:
        return []
    names = list(train.images)
    fault = (
        f"the class folders are only {names}; telling classes apart takes two "
        "or more"
    )
    for name in names:
        folder = train.folder_of(name)
        if _wraps_class_folders(folder, train.images[name]):
            fault += f"; if the classes are the folders in it, pass {folder}"
    return [fault]


def check_validation(class_names: Sequence[str], labels: np.ndarray) -> None:
    """Raises where validation has no image, warns where a class has none.

    A class of a single image has none to spare for validation; labels go by
    the names of the training folders, so that none is shifted.
    """
    found = set(labels.tolist())
    missing = [n for place, n in enumerate(class_names) if place not in found]
    if len(missing) == len(class_names):
        raise ValueError(
            "There is no image for validation; each class gives one if it has "
            "two or more."
        )
    if missing:
        warnings.warn(
            f"There are no validation images of {', '.join(map(repr, missing))}"
            ": validation accuracy says nothing about that. The labels of "
            "the other classes are not affected.",
            stacklevel=3,
        )


def _wraps_class_folders(folder, images):
    children = {folder / image.relative_to(folder).parts[0] for image in images}
    return len(children) > 1 and all(child.is_dir() for child in children)


def report(
    root: Path, faults: list[str], problems: dict[Path, str], bad_files: str
) -> None:
    """Raises for what cannot be used, or warns of what is left out.

    Args:
        root: The folder, to which the names of files are shortened.
        faults: Sentences about what no choice can mend.
        problems: Bad files, each with the reason.
        bad_files: `"error"` or `"skip"`.

    Raises:
        ValueError: There are faults, or there are problems that are not to be
            skipped.
    """
    lines = _by_reason(root, problems, _NAMED[bad_files])
    if faults or (problems and bad_files == "error"):
        count = len(faults) + len(problems)
        things = "1 thing is" if count == 1 else f"{count} things are"
        advice = (
            'Mend or remove these files, or pass bad_files="skip" to leave '
            "them out."
        )
        raise ValueError(
            "\n- ".join(
                [f"{things} wrong with the images in {root}:", *faults, *lines]
            )
            + (f"\n{advice}" if problems and bad_files == "error" else "")
        )
    if problems:
        files = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        warnings.warn(
            f"Left out {files} of {root}: {'; '.join(lines)}.", stacklevel=3
        )


def _by_reason(root, problems, named):
    groups = {}
    for file, reason in problems.items():
        groups.setdefault(reason, []).append(os.path.relpath(file, root))
    lines = []
    for reason, names in groups.items():
        shown = ", ".join(names[:named])
        more = f" and {len(names) - named} more" if len(names) > named else ""
        lines.append(f"{len(names)} x {reason}: {shown}{more}")
    return lines
