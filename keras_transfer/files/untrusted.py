"""Files that nobody vouches for, read within bounds."""

import json
import os
import pathlib
import stat
from typing import Any


def read_json(path: pathlib.Path, most_bytes: int) -> Any:
    """Returns what a small JSON file holds.

    Args:
        path: The file itself, no link to it.
        most_bytes: How large it may be, which is known before it is read.

    Raises:
        OSError: If there is no such file, or it cannot be read.
        ValueError: If it is no regular file or too large; if it is no JSON,
            nests too deeply, or says a thing twice or what is no number.
    """
    # A pipe would wait for a writer; a link could lead anywhere.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise ValueError("it is a link; expected the file itself")
    handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("it is a device, a pipe or a folder, no file")
    with open(handle, "rb") as file:
        text = file.read(most_bytes + 1)
    if len(text) > most_bytes:
        raise ValueError(f"it is larger than {most_bytes:,} bytes")
    try:
        return json.loads(
            text.decode(),
            object_pairs_hook=_without_repetitions,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def check_member(file: pathlib.Path, folder: pathlib.Path) -> None:
    """Raises unless a regular file lies in a folder, or in one within it.

    Args:
        file: A path below the folder, as it was found or written there.
        folder: The folder; how the user has come to it is not looked at.

    Raises:
        ValueError: If the way to it is a link or leads out, or it is no
            regular file.
    """
    name = file.relative_to(folder).as_posix()
    is_inside = file.resolve().is_relative_to(folder.resolve())
    if ".." in file.relative_to(folder).parts or not is_inside:
        raise ValueError(f"the file {name!r} lies outside of its folder")
    if file.is_symlink() or not file.is_file():
        raise ValueError(f"{name!r} is not a regular file")


def _without_repetitions(pairs):
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"it says {key[:80]!r} twice in one object")
        found[key] = value
    return found


def _refuse_constant(text):
    raise ValueError(f"it holds {text}, which is no number of JSON")
