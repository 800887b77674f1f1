"""Image files below a folder.

Only names are looked at here; whether a file's contents are an image is the
business of `check.py`.
"""

import os
import warnings
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path

from keras_transfer.data.formats import EXTENSIONS
from keras_transfer.data.formats import OTHER_EXTENSIONS
from keras_transfer.names import natural_order

# Left behind by operating systems, archives or editors; never photographs
# that somebody sorted into a class.
_DEBRIS = (
    "__macosx",
    "__pycache__",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
)


def list_images(
    paths: str | os.PathLike | Iterable[str | os.PathLike],
) -> list[Path]:
    """Returns the image files named by, or lying anywhere below, some paths.

    Files are taken as named. Folders are searched at any depth for JPEG, PNG,
    GIF, BMP, WebP, TIFF, AVIF or HEIC files by extension, in natural order
    (`bee2` before `bee10`); hidden files are left out.

    Args:
        paths: One path, or several, of files or folders.

    Raises:
        ValueError: A path does not exist, or a folder holds no image.

    Example:
    >>> import keras_transfer as kt
    >>> [path.name for path in kt.data.list_images("bees")]
    ['bee2.jpg', 'bee10.jpg']
    """
    return find_images(paths)[0]


def find_images(
    paths: str | os.PathLike | Iterable[str | os.PathLike],
) -> tuple[list[Path], dict[Path, str]]:
    """Returns the image files as `list_images` does, and what is not read.

    Args:
        paths: One path, or several, of files or folders.

    Returns:
        The images; and the photographs in those folders whose format is not
        read, each with the reason.

    Raises:
        ValueError: A path does not exist, or a folder holds no image.

    Example:
    >>> images, unread = find_images("bees")
    >>> unread
    {}
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    images: list[Path] = []
    unread: dict[Path, str] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise ValueError(
                f"There is no file or folder {path}; name an existing image "
                "or a folder of images."
            )
        if path.is_dir():
            files = list_files(path)
            images += _images_of(path, files)
            unread |= {
                file: explain_extension(file)
                for file in files
                if is_other_image(file)
            }
        else:
            images.append(path)
    return images, unread


def list_files(folder: Path) -> list[Path]:
    """Returns every file at any depth below a folder, in plain sorted order.

    Hidden files, hidden folders or other debris are left out; links are
    followed, but never in a circle.
    """
    found = _walk(folder, frozenset())
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def is_debris(name: str) -> bool:
    """Tells whether a file or folder of this name is never a photograph's."""
    return name.startswith(".") or name.casefold() in _DEBRIS


def has_image_extension(path: Path) -> bool:
    """Tells whether a file's extension is that of a supported format."""
    return path.suffix.lower() in EXTENSIONS


def looks_like_image(path: Path) -> bool:
    """Tells whether a file is a photograph, in a format that is read or not."""
    return has_image_extension(path) or is_other_image(path)


def is_other_image(path: Path) -> bool:
    """Tells whether a file's extension is that of a format not read here."""
    return path.suffix.lower() in OTHER_EXTENSIONS


def explain_extension(path: Path) -> str:
    """Returns why a file of this extension is not read, within a sentence."""
    if is_other_image(path):
        suffix = path.suffix.lower()
        return f"{suffix} files are not read, convert them to JPEG or PNG"
    return "it is not an image file"


def warn_of_unread(unread: Mapping[Path, str], what: str) -> None:
    """Warns of photographs that are left out.

    Args:
        unread: Files, each with the reason.
        what: What they are of, in words.
    """
    if unread:
        path, reason = next(iter(unread.items()))
        warnings.warn(
            f"{len(unread)} photographs of {what} are left out, such as "
            f"{os.fspath(path)!r}: {reason}.",
            stacklevel=4,
        )


def _images_of(folder, files):
    images = [file for file in files if has_image_extension(file)]
    if not images:
        others = sorted({f.suffix.lower() for f in files if is_other_image(f)})
        only = f" but {', '.join(others)} files" if others else ""
        raise ValueError(
            f"The folder {folder} holds no image at any depth{only}; expected "
            f"files that end in {', '.join(EXTENSIONS)}."
        )
    return sorted(
        images,
        key=lambda file: natural_order(str(file.relative_to(folder))),
    )


def _walk(folder, ancestors):
    # Not `Path.walk`, which passes over folders that cannot be read.
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in ancestors:
        return
    for entry in sorted(os.listdir(folder)):
        if is_debris(entry):
            continue
        path = folder / entry
        if path.is_dir():
            yield from _walk(path, ancestors | {identity})
        else:
            yield path
