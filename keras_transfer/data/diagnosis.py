"""Reasons why a file could not be read as an image."""

import os
from pathlib import Path

from PIL import Image
from PIL import UnidentifiedImageError
from PIL import features

from keras_transfer.data.formats import HEAD
from keras_transfer.data.formats import LISTED
from keras_transfer.data.formats import NAMES
from keras_transfer.data.formats import format_of

# What Pillow says of too many pixels; the second where warnings are errors.
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class UnsuitableImage(ValueError):
    """Says of a sound file, as part of a sentence, why it is not read."""


def explain_unreadable(path: str | os.PathLike, error: Exception) -> str:
    """Returns why a file is no readable image, as part of a sentence.

    Args:
        path: The file.
        error: What Pillow raised for it.
    """
    path = Path(path)
    if path.is_symlink() and not path.exists():
        return "the link points to a file that does not exist"
    if not path.exists():
        return "there is no such file"
    if path.is_dir():
        return "it is a folder, not a file"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    with open(path, "rb") as file:
        head = file.read(HEAD)
    return explain_contents(head, error)


def explain_contents(head: bytes, error: Exception) -> str:
    """Returns why bytes are no readable image, as part of a sentence.

    Args:
        head: The first 64 bytes, or all of them.
        error: What Pillow raised for it.
    """
    if not head:
        return "the file is empty"
    if isinstance(error, BOMBS):
        return "it has more pixels than can be decoded safely"
    if isinstance(error, UnsuitableImage):
        return str(error)
    found = format_of(head)
    if found == "AVIF" and not features.check("avif"):
        return "the Pillow that is installed does not read AVIF files"
    if found not in NAMES and isinstance(error, UnidentifiedImageError):
        what = f"{found} data" if found else "no image that is known here"
        return f"it holds {what}, not {LISTED}"
    return f"the {found or 'image'} data are corrupt or truncated"
