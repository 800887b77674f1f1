"""Image files that are copies of each other, byte for byte."""

import os
import warnings
from collections.abc import Sequence

from keras_transfer.files.checksums import file_sha256

_NAMED = 3


def copies_of(paths: Sequence[str | os.PathLike]) -> dict[int, int]:
    """Returns for each file that is a copy the first one of the same bytes.

    Only files of equal size are read, so this costs next to nothing.

    Args:
        paths: The files; those that cannot be read are copies of nothing.

    Returns:
        Places in `paths`, each with the place of an earlier file.
    """
    sizes: dict[int, list[int]] = {}
    for place, path in enumerate(paths):
        try:
            sizes.setdefault(os.path.getsize(path), []).append(place)
        except OSError:
            continue
    found = {}
    for places in sizes.values():
        first: dict[str, int] = {}
        # One of its size is a copy of none.
        for place in places if len(places) > 1 else ():
            try:
                digest = file_sha256(paths[place])
            except OSError:
                continue
            if digest in first:
                found[place] = first[digest]
            first.setdefault(digest, place)
    return found


def warn_of_copies(
    train: Sequence[str | os.PathLike],
    held_out: Sequence[str | os.PathLike],
) -> None:
    """Warns where photographs to judge a model by are among those it learns.

    Args:
        train: Files of training.
        held_out: Files of validation or test.
    """
    both = [*train, *held_out]
    known = len(train)
    pairs = [
        (both[place], both[first])
        for place, first in copies_of(both).items()
        if first < known <= place
    ]
    if not pairs:
        return
    shown = "; ".join(
        f"{os.fspath(copy)} is {os.fspath(first)}"
        for copy, first in pairs[:_NAMED]
    )
    more = f"; and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
    are = "is a copy" if len(pairs) == 1 else "are copies"
    warnings.warn(
        f"{len(pairs)} of {len(held_out)} validation photographs {are} of "
        f"training ones, so the figures will be too good: {shown}{more}. "
        "`keras-transfer audit DIR` lists them all.",
        stacklevel=2,
    )
