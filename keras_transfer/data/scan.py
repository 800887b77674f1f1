"""Image files of each class folder, sorted from what is none."""

import re
import warnings
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_transfer.data.folder_names import COMPANIONS
from keras_transfer.data.folder_names import composed
from keras_transfer.data.folders import EXPLANATION
from keras_transfer.data.folders import Part
from keras_transfer.data.folders import subfolders
from keras_transfer.data.listing import explain_extension
from keras_transfer.data.listing import has_image_extension
from keras_transfer.data.listing import is_debris
from keras_transfer.data.listing import is_other_image
from keras_transfer.data.listing import list_files
from keras_transfer.data.listing import looks_like_image


@dataclass
class Scan:
    """What was found below one folder.

    Attributes:
        root: The folder that was searched.
        images: Image files of each class, in sorted order of class names.
        problems: Files that are no usable image, each with the reason.
        folders: The folders of each class, where they are folders.
    """

    root: Path
    images: dict[str, list[Path]]
    problems: dict[Path, str] = field(default_factory=dict)
    folders: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    def folder_of(self, name: str) -> Path:
        """Returns the folder of a class, for messages."""
        return self.folders.get(name, (self.root / name,))[0]

    def without(self, bad: dict[Path, str]) -> "Scan":
        """Returns the same scan less some files."""
        images = {
            name: [file for file in files if file not in bad]
            for name, files in self.images.items()
        }
        return replace(self, images=images)

    def only(self, class_names: list[str]) -> "Scan":
        """Returns the same scan with the folders of some classes, in order."""
        images = {
            name: self.images[name]
            for name in class_names
            if name in self.images
        }
        dropped = {
            folder
            for name in set(self.images) - set(images)
            for folder in self.folders.get(name, ())
        }
        problems = {
            file: reason
            for file, reason in self.problems.items()
            if not dropped.intersection(file.parents)
        }
        return replace(self, images=images, problems=problems)


def scan_classes(part: Part) -> Scan:
    """Sorts the files of a part's classes into images or problems.

    Raises:
        ValueError: There are no class folders.
    """
    root = part.root
    _warn_of_debris(root)
    if not part.classes:
        raise ValueError(_explain_no_classes(root))
    _warn_of_no_images(part)
    scan = Scan(root, {}, folders=part.classes)
    for file in _loose_files(root):
        if looks_like_image(file):
            scan.problems[file] = "it lies outside the class folders"
    for name, folders in part.classes.items():
        scan.images[name] = []
        for file in (f for folder in folders for f in list_files(folder)):
            if has_image_extension(file):
                scan.images[name].append(file)
            else:
                scan.problems[file] = explain_extension(file)
    return scan


def scan_names(root: Path, label_from_name: str) -> Scan:
    """Sorts the images below a folder by what their names say.

    Args:
        root: The folder.
        label_from_name: Regular expression with a group `label`, which the
            whole name of a file must match; or, where it has a `/`, its path
            below the folder.

    Raises:
        ValueError: It is no such expression, or matches no image.
    """
    example = r"(?P<label>.+)_\d+\.jpg"
    pattern = _pattern(label_from_name, "label_from_name", "label", example)
    scan, known = Scan(root, {}), {}
    files = [file for file in list_files(root) if looks_like_image(file)]
    for file in files:
        path = file.relative_to(root).as_posix()
        match = pattern.fullmatch(path if "/" in label_from_name else file.name)
        if not has_image_extension(file):
            scan.problems[file] = explain_extension(file)
        elif match is None or not match["label"]:
            scan.problems[file] = "its name does not match the pattern"
        else:
            known.setdefault(composed(match["label"]), []).append(file)
    if not known:
        what = f"such as {files[0].name!r}" if files else "for there is none"
        raise ValueError(
            f"No image in {root} is named as label_from_name="
            f"{label_from_name!r} says, {what}. Expected a pattern of the "
            r"whole name, such as '(?P<label>.+)_\d+\.jpg'."
        )
    scan.images = dict(sorted(known.items()))
    return scan


def groups_of(root: Path, paths: list[Path], group: str) -> np.ndarray:
    """Returns the group of each file, which its path below a folder says.

    Args:
        root: The folder.
        paths: The files.
        group: Regular expression with a group `group`.

    Raises:
        ValueError: It is no such expression, or is not found in a path.
    """
    pattern = _pattern(group, "group", "group", "(?P<group>patient\\d+)")
    found = []
    for path in paths:
        match = pattern.search(path.relative_to(root).as_posix())
        if match is None:
            raise ValueError(
                f"The group of {path} is unknown: group={group!r} is not found "
                "in its name. Expected a pattern that is found in each."
            )
        found.append(match["group"])
    return np.array(found)


def _pattern(text, argument, group, example):
    try:
        pattern = re.compile(text)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"{argument}={text!r} is no regular expression: {error}."
        ) from error
    if group not in pattern.groupindex:
        raise ValueError(
            f"{argument}={text!r} has no group that is the {group}. Expected "
            f"one such as {example!r}."
        )
    return pattern


def _warn_of_no_images(part):
    """Names folders beside the classes that hold other files alone."""
    counted = {folder for found in part.classes.values() for folder in found}
    if part.root in {folder.parent for folder in counted}:
        beside = [f for f in subfolders(part.root) if f not in counted]
        left = [
            f.name
            for f in beside
            if f.name.lower() not in COMPANIONS
            and not any(map(looks_like_image, list_files(f)))
        ]
        if left:
            warnings.warn(
                f"No images in {', '.join(map(repr, left))} of {part.root}, "
                "which count as no classes.",
                stacklevel=4,
            )


def _loose_files(root):
    return sorted(
        child
        for child in root.iterdir()
        if not child.is_dir() and not is_debris(child.name)
    )


def _explain_no_classes(root):
    files = _loose_files(root)
    images = sum(map(has_image_extension, files))
    if images:
        return (
            f"{root} holds {images} images directly and no class folders, so "
            f"their classes are unknown. {EXPLANATION}."
        )
    others = sorted({f.suffix.lower() for f in files if is_other_image(f)})
    what = f"only {', '.join(others)} files" if others else "no images"
    return f"{root} holds {what} and no class folders. {EXPLANATION}."


def _warn_of_debris(root):
    # Keras counts such a folder as a class, which shifts every label.
    debris = sorted(
        child.name
        for child in root.iterdir()
        if child.is_dir()
        and is_debris(child.name)
        and any(has_image_extension(file) for file in child.rglob("*"))
    )
    if debris:
        warnings.warn(
            f"Not counted as classes of {root}, though images lie in them: "
            f"{', '.join(map(repr, debris))}. Hidden folders or the leavings "
            "of an archive are no classes; rename a folder that is one.",
            stacklevel=4,
        )
