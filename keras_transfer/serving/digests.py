"""Digests of the files that a model consists of."""

import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

from keras_transfer.files.checksums import file_sha256
from keras_transfer.files.checksums import text_sha256
from keras_transfer.files.untrusted import check_member

_MOST_FILES = 10_000
_MOST_BYTES = 4 << 30


def checked_digests(
    path: pathlib.Path,
    items: Sequence[pathlib.Path],
    recorded: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Returns the digests of an exported file, which are those recorded.

    Args:
        path: The exported file or folder.
        items: All files and folders that belong to it.
        recorded: What its description says of each file, by name.

    Raises:
        ValueError: If a file is missing, too much or changed, as for
            `digests_of`.
    """
    found = {_name(file, path): file for file in _files(path, items)}
    for name in sorted({*found, *recorded}):
        is_there = name in found and os.path.lexists(found[name])
        if not is_there or name not in recorded:
            what = "is too much" if is_there else "is missing"
            raise ValueError(_fault(path, name, what))
    digests = digests_of(path, items)
    for name, digest in digests.items():
        if digest != recorded[name]["sha256"]:
            expected = recorded[name]["sha256"]
            what = f"has the sha256 {digest}, expected {expected}"
            raise ValueError(_fault(path, name, what))
    return digests


def digests_of(
    path: pathlib.Path, items: Sequence[pathlib.Path]
) -> dict[str, str]:
    """Returns the digest of each file of a model, by its name.

    Args:
        path: The file or folder.
        items: All files and folders that belong to it.

    Raises:
        ValueError: If one is a link, no regular file or outside of the folder
            that the model lies in, or there are too many or too large ones.
    """
    files = _files(path, items)
    size = 0
    for file in files:
        check_member(file, path.parent)
        size += file.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(
            f"{path.name!r} has {size:,} bytes. Expected {_MOST_BYTES:,} at "
            "most, which no format here exceeds."
        )
    return {_name(file, path): file_sha256(file) for file in files}


def together(digests: Mapping[str, str]) -> str:
    """Returns one digest for all files of a model.

    It is that of the only file; of several, that of the lines which
    `sha256sum` prints for them.

    Args:
        digests: The digest of each file, by its name.

    Example:
    >>> together({"model.onnx": "6a09"})
    '6a09'
    """
    if len(digests) == 1:
        return next(iter(digests.values()))
    return text_sha256("".join(f"{d}  {n}\n" for n, d in digests.items()))


def _files(path, items):
    files = []
    for item in items:
        if item.is_symlink() or not item.is_dir():
            files.append(item)
            continue
        for place, folders, names in os.walk(item):
            folders.sort()
            links = [n for n in folders if os.path.islink(f"{place}/{n}")]
            files += [pathlib.Path(place, n) for n in sorted([*names, *links])]
            if len(files) > _MOST_FILES:
                raise ValueError(
                    f"{path.name!r} holds more than {_MOST_FILES:,} files."
                )
    return sorted(files)


def _name(file, path):
    return file.relative_to(path.parent).as_posix()


def _fault(path, name, what):
    return (
        f"{path.name!r} is not what was exported: the file {name!r} {what}. "
        "Export the model again, or copy all files together."
    )
