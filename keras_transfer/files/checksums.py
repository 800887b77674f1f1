"""Checksums that tell whether a file is the one that was meant."""

import hashlib
import os
from collections.abc import Mapping

_CHUNK = 1 << 20


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the hexadecimal SHA-256 digest of a file."""
    return _digest(path, "sha256")


def text_sha256(text: str) -> str:
    """Returns the hexadecimal SHA-256 digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def fault_of(
    path: str | os.PathLike, expected: Mapping[str, str | None]
) -> str | None:
    """Says how a file differs from what is expected of it, or `None`.

    Args:
        path: The file.
        expected: Maps `"sha256"`, `"md5"` or `"git_sha1"` (what Git calls a
            file of these bytes) to hexadecimal digits, or to `None` where
            nothing is expected.
    """
    for algorithm, digits in expected.items():
        if digits is None:
            continue
        received = _digest(path, algorithm)
        if received != digits.lower():
            return f"expected the {algorithm} {digits}, received {received}"
    return None


def _digest(path, algorithm):
    if algorithm == "git_sha1":
        digest = hashlib.sha1(b"blob %d\0" % os.path.getsize(path))
    else:
        digest = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
