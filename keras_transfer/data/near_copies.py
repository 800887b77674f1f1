"""Photographs that look the same: re-encoded, resized or mirrored copies."""

import os
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from keras_transfer.data.decoded import decoded_ahead
from keras_transfer.data.images import decode

# Of 64 bits. Among 319,600 pairs of photographs of flowers one was false.
MOST_BITS = 8
# Every photograph is decoded and all pairs are compared: with more, that would
# take minutes that nobody asked for.
MOST_FILES = 20_000
_BITS = 64
_SIDE = 64
# Without contrast the bits of a hash are noise.
_LEAST_CONTRAST = 4.0
_ROWS = 1024


def near_copy_numbers(paths: Sequence[str | os.PathLike]) -> np.ndarray:
    """Returns one number for all files that show the same photograph.

    Two photographs are the same where their perceptual hashes, or that of one
    and that of the other's mirror image, differ in at most 8 of 64 bits. So
    are those that a third one joins.

    Args:
        paths: Sound image files. Each is its own where ImageHash is not
            installed, or where there are more than 20,000.

    Returns:
        An int array of shape `(files,)`.

    Example:
    >>> near_copy_numbers(["photos/ants/0.jpg", "photos/bees/0.jpg"]).tolist()
    [0, 1]
    """
    count = len(paths)
    if not 1 < count <= MOST_FILES or find_spec("imagehash") is None:
        return np.arange(count)
    bits, mirrored = _hashes(paths)
    pairs = np.concatenate([_pairs(bits, bits), _pairs(bits, mirrored)], axis=1)
    links = coo_array(
        (np.ones(pairs.shape[1], bool), tuple(pairs)), shape=(count, count)
    )
    return connected_components(links, directed=False)[1]


def _hashes(paths):
    """Hashes as -1 and 1; as 0 where there is nothing to compare."""
    import imagehash

    def both(path):
        try:
            pixels = decode(path, (_SIDE, _SIDE), "grayscale")[..., 0]
        except Exception:  # Whoever skips the check learns of it in training.
            return np.zeros((2, _BITS))
        if pixels.std() < _LEAST_CONTRAST:
            return np.zeros((2, _BITS))
        picture = Image.fromarray(pixels)
        mirror = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        hashes = [imagehash.phash(each).hash for each in (picture, mirror)]
        return np.reshape(hashes, (2, _BITS)) * 2.0 - 1

    found = [one for batch in decoded_ahead(paths, 256, both) for one in batch]
    return np.array(found, "float32").swapaxes(0, 1)


def _pairs(left, right):
    """Rows that are alike, each with a column, block by block."""
    least = _BITS - 2 * MOST_BITS
    found = [np.zeros((2, 0), int)]
    for start in range(0, len(left), _ROWS):
        alike = left[start : start + _ROWS] @ right[: start + _ROWS].T >= least
        rows, columns = np.nonzero(alike)
        keep = columns < rows + start
        found.append(np.stack([rows[keep] + start, columns[keep]]))
    return np.concatenate(found, axis=1)
