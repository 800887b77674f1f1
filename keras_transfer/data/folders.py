"""Folders of a data set: which hold images, which hold folders of them."""

import difflib
import os
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from keras_transfer.data.folder_names import COMPANIONS
from keras_transfer.data.folder_names import composed
from keras_transfer.data.folder_names import is_exact
from keras_transfer.data.listing import is_debris
from keras_transfer.data.listing import looks_like_image

EXPLANATION = (
    "Expected one folder per class with its images inside, such as "
    "photos/cats/1.jpg beside photos/dogs/2.jpg, or 'train' beside 'val' "
    "folders that each hold such class folders"
)
PLAIN = (
    "images",
    "image",
    "imgs",
    "img",
    "photos",
    "pictures",
    "jpg",
    "jpeg",
    "jpegimages",
    "png",
    "data",
)


class Part(NamedTuple):
    """One part of a data set.

    Args:
        root: The folder that holds it.
        classes: The folders of each class, by its name as composed Unicode,
            sorted by name.
    """

    root: Path
    classes: dict[str, tuple[Path, ...]]


def part_of(root: Path, folders: Iterable[Path]) -> Part:
    """Returns the part of a data set whose classes are some folders."""
    classes = {}
    for folder in folders:
        name = composed(folder.name)
        classes[name] = (*classes.get(name, ()), folder)
    return Part(root, dict(sorted(classes.items())))


def only_one(root: Path, folders: list[Path]) -> Path:
    """Returns the one folder among those that mean the same."""
    exact = [folder for folder in folders if is_exact(folder)] or folders
    if len(exact) > 1:
        raise ValueError(
            f"{root} has {' beside '.join(repr(f.name) for f in exact)}, which "
            "mean the same; keep one of them, or pass the folders that are "
            "meant as train=, validation= and test=."
        )
    return exact[0]


def subfolders(folder: Path) -> list[Path]:
    """Returns the folders directly below one, debris aside, sorted by name."""
    with os.scandir(folder) as entries:
        found = [
            e.path for e in entries if e.is_dir() and not is_debris(e.name)
        ]
    return sorted(map(Path, found))


def check_folder(root: Path) -> None:
    """Raises unless a path is a folder.

    Raises:
        ValueError: With the name of a similar folder beside it, if any.
    """
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


def with_images(folder: Path) -> list[Path]:
    """Returns the folders in one with an image at any depth, by name."""
    return [
        child
        for child in subfolders(folder)
        if any(map(looks_like_image, files_of(child)))
    ]


def holders(folders: Iterable[Path]) -> list[Path]:
    """Returns those that hold folders of images, and no image themselves."""
    return [f for f in folders if not has_images(f) and with_images(f)]


def has_images(folder: Path) -> bool:
    """Tells whether an image lies directly in a folder."""
    with os.scandir(folder) as entries:
        return any(
            looks_like_image(Path(entry.name)) and not entry.is_dir()
            for entry in entries
            if not is_debris(entry.name)
        )


def may_be_class(folder: Path) -> bool:
    """Tells whether a folder has images, or nothing at all."""
    is_empty = next(files_of(folder), None) is None
    return is_empty or any(map(looks_like_image, files_of(folder)))


def files_of(folder: Path, around: frozenset = frozenset()) -> Iterator[Path]:
    """Yields files at any depth, those of a folder before its folders'.

    Args:
        folder: The folder.
        around: What it lies in, so that links lead into no circle.
    """
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in around:
        return
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_debris(entry.name):
                continue
            if entry.is_dir():
                folders.append(Path(entry.path))
            else:
                yield Path(entry.path)
    for child in sorted(folders):
        yield from files_of(child, around | {identity})


def without_companions(folders: list[Path]) -> list[Path]:
    """Returns folders of images less those of their masks or annotations."""
    if not any(folder.name.lower() in COMPANIONS for folder in folders):
        return folders
    has_plain = any(folder.name.lower() in PLAIN for folder in folders)
    masks = [
        folder
        for folder in folders
        if folder.name.lower() in COMPANIONS
        # A class of masks, as of faces with and without, holds images.
        and (has_plain or not has_images(folder))
    ]
    return [f for f in folders if f not in masks] or folders


def explain_flat(folder: Path) -> str:
    """Returns the sentence for a folder of images without classes."""
    count = sum(map(looks_like_image, files_of(folder)))
    example = next(filter(looks_like_image, files_of(folder)))
    return (
        f"{folder} holds {count} images directly and no class folders, so "
        f"their classes are unknown. {EXPLANATION}. Where the names of the "
        f"files tell the class, as of {example.name!r}, pass a pattern of "
        "them as label_from_name=; where a table does, pass the table."
    )
