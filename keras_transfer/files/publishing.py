"""Files that get their final names all at once or not at all."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence


@contextlib.contextmanager
def staging_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder beside a path, to write in; it vanishes afterwards.

    Args:
        path: What will be written, on the same disk.
    """
    folder = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(staged: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
    """Moves what was staged to its final place, over what was there.

    A file is replaced in one step. A folder, which no system call replaces, is
    moved aside first, and back if the new one cannot take its place.

    Args:
        staged: Files and folders on the same disk, in the order of the move.
        folder: Where they go, under the names that they bear.
    """
    mask = os.umask(0)
    os.umask(mask)
    for item in staged:
        for file in [item, *item.rglob("*")]:
            if file.is_file():
                with open(file, "rb") as handle:
                    os.fsync(handle.fileno())
                # Some exporters make files private; these are as readable as
                # any other.
                file.chmod(0o666 & ~mask)
    for item in staged:
        target = folder / item.name
        if not target.is_dir():
            os.replace(item, target)
            continue
        aside = item.with_name(f"old-{item.name}")
        os.replace(target, aside)
        try:
            os.replace(item, target)
        except OSError:
            os.replace(aside, target)
            raise
