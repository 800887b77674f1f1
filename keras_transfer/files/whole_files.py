"""Files and folders that are replaced only by whole new ones."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence

try:
    import fcntl
except ImportError:  # On Windows; there what a killed process left stays.
    fcntl = None

_MARK = "unfinished-"


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary path whose file then takes the place of another.

    It lies beside its final name and is renamed when all of it is on disk: a
    crash, a full disk or an error in the block leaves the old file as it was.
    What a killed process left of the same file is removed at the beginning.

    Args:
        path: The file to write or to replace.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "notes.txt")
    >>> with replacing(path) as temporary:
    ...     length = temporary.write_text("all of it")
    >>> path.read_text()
    'all of it'
    """
    path = pathlib.Path(path)
    sweep(path)
    handle, temporary = _new(path)
    try:
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; the new one is as readable as others.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        if handle is not None:
            os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


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


def sweep(path: str | os.PathLike) -> None:
    """Removes what killed processes left of writing a file.

    What a living process is writing stays, whichever machine or container it
    runs on: it holds a lock, which the system drops when the process ends.

    Args:
        path: The file that they were writing.
    """
    path = pathlib.Path(path)
    _sweep(path.parent, f".{path.stem}-{_MARK}", path.suffix)


def sweep_folder(folder: str | os.PathLike) -> None:
    """Removes what killed processes left of writing any file of a folder.

    Args:
        folder: The folder; not those within it.
    """
    _sweep(pathlib.Path(folder), ".", "")


def _sweep(folder, start, end):
    if fcntl is None or not folder.is_dir():
        return
    for item in list(folder.iterdir()):
        name = item.name
        is_ours = name.startswith(start) and name.endswith(end)
        if is_ours and f"-{_MARK}" in name:
            _remove_abandoned(item)


def _new(path):
    """Makes a temporary file that no sweep removes, with an open handle."""
    while True:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-{_MARK}", suffix=path.suffix
        )
        if fcntl is None:
            os.close(handle)  # Nobody renames a file that is open there.
            return None, pathlib.Path(name)
        # Without locks on this file system nobody can sweep either.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, pathlib.Path(name)
        os.close(handle)  # A sweep came between the two.


def _remove_abandoned(item):
    try:
        handle = os.open(item, os.O_RDWR)
    except OSError:
        return  # Gone already, or somebody else's.
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):
            os.remove(item)
    except OSError:
        pass  # Being written, or on a file system without locks.
    finally:
        os.close(handle)


def _sync_folder(folder):
    """Makes the new name outlast a power cut, where the system offers that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Some network file systems refuse it; they keep names by themselves.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
