"""Paths that will be written to: checked beforehand, or Keras's own folder."""

import os
import pathlib
import tempfile


def check_output(path: str | os.PathLike) -> pathlib.Path:
    """Returns a path as one that a file can be written to.

    Nothing is created: an existing file stays as it is.

    Args:
        path: The file.

    Raises:
        ValueError: If its folder does not exist or cannot be written, or the
            path is a folder or a file that must not be changed.

    Example:
    >>> check_output("no/such/folder/model.keras")
    Traceback (most recent call last):
    ...
    ValueError: Cannot write 'no/such/folder/model.keras': the folder \
'no/such/folder' does not exist. Create it first.
    """
    path = pathlib.Path(path).expanduser()
    name, folder = os.fspath(path), path.parent
    if not folder.is_dir():
        raise ValueError(
            f"Cannot write {name!r}: the folder {os.fspath(folder)!r} does "
            "not exist. Create it first."
        )
    if path.is_dir():
        raise ValueError(f"Cannot write {name!r}: it is a folder. Name a file.")
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError(
            f"Cannot write {name!r}: there is a file that must not be "
            "changed. Choose another name."
        )
    try:
        # Nameless where the system can do that: a kill leaves nothing.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"Cannot write {name!r}: {error.strerror}. Choose another folder."
        ) from error
    return path
