"""Files that pictures of photographs are written to."""

import collections
import os
import pathlib
import tempfile
from collections.abc import Sequence


def check_folder(folder: pathlib.Path) -> None:
    """Raises unless pictures can be written into a folder, which may be new.

    Args:
        folder: The folder.

    Raises:
        ValueError: If it is a file or cannot be written.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise ValueError(
            f"Cannot write pictures to {os.fspath(folder)!r}: "
            f"{os.fspath(existing)!r} is a file. Name a folder."
        )
    try:
        # Nameless where the system can do that: a kill leaves nothing.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise ValueError(
            f"Cannot write pictures to {os.fspath(folder)!r}: "
            f"{error.strerror}. Choose another folder."
        ) from error


def names_of(paths: Sequence[pathlib.Path]) -> list[str]:
    """Returns a name for each photograph's pictures, all of them different.

    Args:
        paths: The photographs.

    Example:
    >>> names_of([pathlib.Path("a/1.jpg"), pathlib.Path("b/1.jpg")])
    ['1', '1_2']
    """
    seen: collections.Counter[str] = collections.Counter()
    taken: set[str] = set()
    found = []
    for path in paths:
        name = path.stem
        while name in taken:
            seen[path.stem] += 1
            name = f"{path.stem}_{seen[path.stem] + 1}"
        taken.add(name)
        found.append(name)
    return found
