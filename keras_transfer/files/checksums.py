"""Checksums that tell whether a file is the one that was meant, and whole."""

import hashlib
import os
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the hexadecimal SHA-256 digest of a file."""
    return _digest(path, "sha256")


def text_sha256(text: str) -> str:
    """Returns the hexadecimal SHA-256 digest of a text."""
    return sha256_of([text.encode()])


def sha256_of(pieces: Iterable[bytes]) -> str:
    """Returns the hexadecimal SHA-256 digest of bytes that come in pieces.

    Args:
        pieces: Bytes, or arrays whose bytes lie in a row.

    Example:
    >>> sha256_of([b"one ", b"file"]) == text_sha256("one file")
    True
    """
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


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
    def begin():
        if algorithm != "git_sha1":
            return hashlib.new(algorithm)
        return hashlib.sha1(b"blob %d\0" % os.path.getsize(path))

    with open(path, "rb") as file:
        return hashlib.file_digest(file, begin).hexdigest()


class Part:
    """What has arrived so far, with a note of the version it is a part of.

    Args:
        path: Where the finished file goes.
        hashes: What is expected of it, as `fault_of` takes it.
    """

    def __init__(self, path: Path, hashes: Mapping[str, str | None]):
        self.path = path
        self.hashes = hashes
        self.file = path.with_name(path.name + ".part")
        self.note = path.with_name(path.name + ".part.version")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def version(self) -> str | None:
        """The server's name of the version, where it gave one."""
        return self.note.read_text() if self.note.exists() else None

    @property
    def is_verifiable(self) -> bool:
        """Whether any hash is known."""
        return any(self.hashes.values())

    def fault(self) -> str | None:
        """What is wrong with the bytes, or `None`."""
        return fault_of(self.file, self.hashes)

    def begin(self, version: str | None) -> None:
        """Starts over with a version."""
        self.discard()
        if version is not None:
            self.note.write_text(version)

    def discard(self) -> None:
        """Forgets all that has arrived."""
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
