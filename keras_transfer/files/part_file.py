"""The unfinished file of a download."""

from collections.abc import Mapping
from pathlib import Path

from keras_transfer.files import checksums


class Part:
    """What has arrived so far, with a note of the version it is a part of.

    Args:
        path: Where the finished file goes.
        hashes: What is expected of it, as `checksums.fault_of` takes it.
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
        return checksums.fault_of(self.file, self.hashes)

    def begin(self, version: str | None) -> None:
        """Starts over with a version."""
        self.discard()
        if version is not None:
            self.note.write_text(version)

    def discard(self) -> None:
        """Forgets all that has arrived."""
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
