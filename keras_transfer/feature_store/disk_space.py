"""The check that a disk holds what is about to be written."""

import os
import pathlib
import shutil

from rich import filesize


def check_disk_space(folder: str | os.PathLike, needed: int) -> None:
    """Raises where a disk has less room than will be needed.

    Args:
        folder: Where it will be written; need not exist yet.
        needed: Bytes.

    Raises:
        ValueError: With both figures.

    Example:
    >>> check_disk_space(".", needed=1000)
    """
    existing = pathlib.Path(folder).absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise ValueError(
            f"{filesize.decimal(needed)} are to be written to "
            f"{os.fspath(folder)!r}, where {filesize.decimal(free)} are free. "
            "Make room, choose another disk, a narrower dtype such as "
            "'float16', or features of fewer values."
        )
