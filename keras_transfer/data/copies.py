"""Image files that are copies of each other, byte for byte."""

import os
from collections.abc import Sequence

from keras_transfer.files.checksums import file_sha256

_TAIL = 256


def exact_copies(paths: Sequence[str | os.PathLike]) -> list[list[int]]:
    """Returns the places of files that are byte for byte the same.

    Only files of equal size are read, and to their end only those that end
    alike.

    Args:
        paths: The files; those that cannot be read are copies of nothing.

    Returns:
        A list for each set of two files or more, in the order of the first.
    """
    paths = [os.fspath(path) for path in paths]
    sets = [range(len(paths))]
    for look in (os.path.getsize, _last_bytes, file_sha256):
        sets = [part for one in sets for part in _alike(paths, one, look)]
    return sorted(sets)


def _alike(paths, places, look):
    """Returns places that look the same, without those that are alone."""
    found = {}
    for place in places:
        try:
            found.setdefault(look(paths[place]), []).append(place)
        except OSError:
            continue
    return [copies for copies in found.values() if len(copies) > 1]


def _last_bytes(path):
    # Photographs of one camera begin alike and end with their last pixels.
    with open(path, "rb", buffering=0) as file:
        file.seek(-min(_TAIL, os.fstat(file.fileno()).st_size), os.SEEK_END)
        return file.read(_TAIL)


def copies_of(paths: Sequence[str | os.PathLike]) -> dict[int, int]:
    """Returns for each file that is a copy the first one of the same bytes.

    Args:
        paths: The files.

    Returns:
        Places in `paths`, each with the place of an earlier file.
    """
    return {
        place: first
        for first, *others in exact_copies(paths)
        for place in others
    }
