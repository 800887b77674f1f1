"""Image files that are copies of each other, byte for byte."""

import os
from collections.abc import Sequence

from keras_transfer.files.checksums import file_sha256


def exact_copies(paths: Sequence[str | os.PathLike]) -> list[list[int]]:
    """Returns the places of files that are byte for byte the same.

    Only files of equal size are read, so this costs next to nothing.

    Args:
        paths: The files; those that cannot be read are copies of nothing.

    Returns:
        A list for each set of two files or more, in the order of the first.
    """
    sizes = {}
    for place, path in enumerate(paths):
        try:
            sizes.setdefault(os.stat(path).st_size, []).append(place)
        except OSError:
            continue
    found = {}
    for places in sizes.values():
        # One of its size is a copy of none.
        for place in places if len(places) > 1 else ():
            try:
                digest = file_sha256(paths[place])
            except OSError:
                continue
            found.setdefault(digest, []).append(place)
    return sorted(copies for copies in found.values() if len(copies) > 1)


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
