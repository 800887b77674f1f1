"""Image files of each class folder, sorted from what is none."""

import warnings
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from keras_transfer.data.layout import EXPLANATION
from keras_transfer.data.layout import subfolders
from keras_transfer.data.listing import explain_extension
from keras_transfer.data.listing import has_image_extension
from keras_transfer.data.listing import is_debris
from keras_transfer.data.listing import is_other_image
from keras_transfer.data.listing import list_files


@dataclass
class Scan:
    """What was found below one folder.

    Attributes:
        root: The folder whose subfolders are the classes.
        images: Image files of each class, in sorted order of class names.
        problems: Files that are no usable image, each with the reason.
    """

    root: Path
    images: dict[str, list[Path]]
    problems: dict[Path, str] = field(default_factory=dict)

    def without(self, bad: dict[Path, str]) -> "Scan":
        """Returns the same scan less some files."""
        images = {
            name: [file for file in files if file not in bad]
            for name, files in self.images.items()
        }
        return Scan(self.root, images, self.problems)

    def only(self, class_names: list[str]) -> "Scan":
        """Returns the same scan with the folders of some classes, in order."""
        images = {
            name: self.images[name]
            for name in class_names
            if name in self.images
        }
        dropped = {self.root / name for name in set(self.images) - set(images)}
        problems = {
            file: reason
            for file, reason in self.problems.items()
            if not dropped.intersection(file.parents)
        }
        return Scan(self.root, images, problems)


def scan_classes(root: Path) -> Scan:
    """Sorts the files below a folder into images of each class or problems.

    Raises:
        ValueError: The folder has no class folders.
    """
    _warn_of_debris(root)
    folders = subfolders(root)
    if not folders:
        raise ValueError(_explain_no_classes(root))
    scan = Scan(root, {})
    for file in _loose_files(root):
        if has_image_extension(file) or is_other_image(file):
            scan.problems[file] = "it lies outside the class folders"
    for folder in folders:
        scan.images[folder.name] = []
        for file in list_files(folder):
            if has_image_extension(file):
                scan.images[folder.name].append(file)
            else:
                scan.problems[file] = explain_extension(file)
    return scan


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
