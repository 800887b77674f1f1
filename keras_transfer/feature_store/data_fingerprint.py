"""The fingerprint of data: files, arrays, or a pass over batches."""

import hashlib
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.feature_store.fingerprint import digest_of_arrays


def fingerprint_files(
    paths: Sequence[str | os.PathLike],
    root: str | os.PathLike | None = None,
    by: str = "status",
) -> dict[str, Any]:
    """Returns a fingerprint of files, in their order.

    Args:
        paths: The files.
        root: Folder to which names are shortened, so that it may be moved;
            `None` takes the names as they are.
        by: `"status"` for size and time of change, which costs next to
            nothing; `"content"` to read every byte, which gives the same on
            every machine.

    Returns:
        Dictionary with the number of files and a digest.

    Raises:
        ValueError: For another `by`, or a file that does not exist.

    Example:
    >>> fingerprint_files(["bees/bee2.jpg", "bees/bee10.jpg"])["files"]
    2
    """
    if by not in ("status", "content"):
        raise ValueError(
            f"`by` must be 'status' or 'content'. Received: by={by!r}"
        )
    digest = hashlib.sha256()
    describe = _status if by == "status" else _content
    for path in paths:
        name = os.path.relpath(path, root) if root else os.fspath(path)
        digest.update(os.fsencode(name) + b"\0" + describe(path) + b"\0")
    return {"files": len(paths), "digest": digest.hexdigest()}


def fingerprint_arrays(*arrays: np.ndarray) -> dict[str, Any]:
    """Returns a fingerprint of arrays by their contents.

    Example:
    >>> fingerprint_arrays(np.ones((3, 2)))["shapes"]
    [[3, 2]]
    """
    return {
        "shapes": [list(np.shape(array)) for array in arrays],
        "digest": digest_of_arrays(arrays),
    }


def fingerprint_batches(batches: Iterable[Any]) -> dict[str, Any]:
    """Returns a fingerprint of what a data set yields, by going through it.

    Where the sources are known (files, arrays), their fingerprint is cheaper.

    Args:
        batches: Arrays or nested tuples and dictionaries of arrays, such as
            the elements of a `tf.data.Dataset` that yields the same each time.

    Example:
    >>> fingerprint_batches([(np.ones((2, 4)), np.zeros(2))])["batches"]
    1
    """
    digest, count = hashlib.sha256(), 0
    for batch in batches:
        digest.update(digest_of_arrays(_leaves(batch)).encode())
        count += 1
    return {"batches": count, "digest": digest.hexdigest()}


def _status(path):
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise ValueError(_missing(path)) from error
    return f"{status.st_size} {status.st_mtime_ns}".encode()


def _content(path):
    try:
        with pathlib.Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError as error:
        raise ValueError(_missing(path)) from error


def _missing(path):
    return f"There is no file {os.fspath(path)!r}, so it has no fingerprint."


def _leaves(batch):
    if isinstance(batch, dict):
        batch = [batch[key] for key in sorted(batch)]
    if isinstance(batch, list | tuple):
        return [leaf for part in batch for leaf in _leaves(part)]
    return [] if batch is None else [batch]
