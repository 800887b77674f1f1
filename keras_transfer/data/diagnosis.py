"""Reasons why a file could not be read as an image."""

import os
from pathlib import Path

from PIL import Image
from PIL import UnidentifiedImageError

# The first bytes of what is often found under a photograph's name.
_SIGNATURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"8BPS", "Photoshop"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
)
# What Pillow says of too many pixels; the second where warnings are errors.
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_READABLE = ("JPEG", "PNG", "GIF", "BMP", "WebP")


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
        head = file.read(16)
    return explain_contents(head, error)


def explain_contents(head: bytes, error: Exception) -> str:
    """Returns why bytes are no readable image, as part of a sentence.

    Args:
        head: The first 16 bytes, or all of them.
        error: What Pillow raised for it.
    """
    if not head:
        return "the file is empty"
    if isinstance(error, BOMBS):
        return "it has more pixels than can be decoded safely"
    found = _format_of(head)
    if found not in _READABLE and isinstance(error, UnidentifiedImageError):
        what = f"{found} data" if found else "no image that is known here"
        return f"it holds {what}, not JPEG, PNG, GIF, BMP or WebP"
    return f"the {found or 'image'} data are corrupt or truncated"


def _format_of(head):
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        return "HEIC" if brand in (b"heic", b"heix", b"mif1") else "video"
    lowered = head.lstrip().lower()
    for signature, name in _SIGNATURES:
        if head.startswith(signature) or lowered.startswith(signature):
            return name
    return None
