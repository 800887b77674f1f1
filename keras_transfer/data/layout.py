"""Where the training photographs lie below a folder, where the validation ones.

Two layouts are known: `train/` beside `val/`, each with one folder per class,
or the class folders alone.
"""

import difflib
import os
import warnings
from pathlib import Path
from typing import NamedTuple

from keras_transfer.data.listing import has_image_extension
from keras_transfer.data.listing import is_debris
from keras_transfer.data.listing import list_files

TRAIN_NAMES = ("train", "training")
VALIDATION_NAMES = ("val", "valid", "validation")
# Stands in for validation only where there is none.
TEST_NAMES = ("test", "testing")

EXPLANATION = (
    "Expected one folder per class with its images inside, such as "
    "photos/cats/1.jpg beside photos/dogs/2.jpg, or 'train' beside 'val' "
    "folders that each hold such class folders"
)


class Layout(NamedTuple):
    """The folders that hold the class folders.

    `validation` is None where training images are to be split.
    """

    train: Path
    validation: Path | None


def find_layout(path: str | os.PathLike) -> Layout:
    """Returns the folders whose subfolders are the classes.

    Raises:
        ValueError: The path is no folder, or its subfolders are named so that
            their part cannot be told.
    """
    root = Path(path)
    _check_folder(root)
    folders = subfolders(root)
    train = _named(root, folders, TRAIN_NAMES)
    validation = _named(root, folders, VALIDATION_NAMES)
    validation = validation or _named(root, folders, TEST_NAMES)
    if train and validation:
        _warn_of_unread(root, folders, train, validation)
        return Layout(train, validation)
    part = train or validation
    if part is None or not _holds_class_folders(part):
        # A class may well be named 'train' or 'test': it holds images itself.
        return Layout(root, None)
    if part == train and len(folders) == 1:
        return Layout(train, None)
    missing = "validation" if part == train else "training"
    names = (*VALIDATION_NAMES, *TEST_NAMES) if part == train else TRAIN_NAMES
    raise ValueError(
        f"{root} has a folder {part.name!r} that holds class folders, but none "
        f"for {missing}; name that one of {list(names)}, or pass {part} to "
        "have its images split."
    )


def subfolders(folder: Path) -> list[Path]:
    """Returns the folders directly below one, debris aside, sorted by name."""
    return sorted(
        child
        for child in folder.iterdir()
        if child.is_dir() and not is_debris(child.name)
    )


def _check_folder(root):
    if root.is_dir():
        return
    if root.exists():
        raise ValueError(f"{root} is a file, not a folder. {EXPLANATION}.")
    hint = ""
    if root.parent.is_dir():
        siblings = [folder.name for folder in subfolders(root.parent)]
        close = difflib.get_close_matches(root.name, siblings, n=1)
        hint = (
            f" Did you mean {str(root.parent / close[0])!r}?" if close else ""
        )
    raise ValueError(f"There is no folder {root}. {EXPLANATION}.{hint}")


def _named(root, folders, names):
    found = [folder for folder in folders if folder.name.lower() in names]
    if len(found) > 1:
        raise ValueError(
            f"{root} has {' beside '.join(repr(f.name) for f in found)}, which "
            "mean the same; keep one of them."
        )
    return found[0] if found else None


def _holds_class_folders(folder):
    children = [
        child for child in folder.iterdir() if not is_debris(child.name)
    ]
    return any(child.is_dir() for child in children) and not any(
        has_image_extension(child) for child in children
    )


def _warn_of_unread(root, folders, train, validation):
    unread = [
        folder.name
        for folder in folders
        if folder not in (train, validation)
        and folder.name.lower() not in TEST_NAMES
        and any(map(has_image_extension, list_files(folder)))
    ]
    if unread:
        warnings.warn(
            f"Only {train.name!r} and {validation.name!r} are read of {root}; "
            f"left out: {', '.join(map(repr, unread))}.",
            stacklevel=4,
        )
