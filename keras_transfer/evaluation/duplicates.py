"""Photographs that are nearly the same, among many."""

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_transfer.data.decoded import decoded_ahead
from keras_transfer.data.images import decode

# Of 319,600 pairs of flowers one was false, of 78,606 of ants and bees none.
MOST_BITS = 8
# Crops by 5%: 0.996 of them are found, and no false pair among as many.
LEAST_COSINE = 0.92
_HASH_BITS = 64
# Enough for a hash of 8 by 8, and a JPEG is decoded at a fraction of its size.
_SIDE = 64
_BLANK = 4.0
_ROWS = 1024


def check_imagehash() -> None:
    """Raises where what finds near duplicates is not installed.

    Raises:
        ImportError: With the extra to install.
    """
    try:
        import imagehash  # noqa: F401
    except ImportError:
        raise ImportError(
            "Near duplicates are found by ImageHash, which is not installed. "
            'Install the extra: pip install "keras-transfer[audit]"'
        ) from None


def perceptual_hashes(
    paths: Sequence[str | os.PathLike],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the pHash of each photograph, of its mirror, and if it is blank.

    Args:
        paths: The files, which must be sound.

    Returns:
        Two arrays of -1 and 1, of shape `(files, 64)`, and one of booleans.
    """
    import imagehash

    def both(path):
        pixels = decode(path, (_SIDE, _SIDE), "grayscale")[..., 0]
        picture = Image.fromarray(pixels)
        mirror = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        bits = [
            imagehash.phash(each).hash.ravel() for each in (picture, mirror)
        ]
        return np.array(bits), pixels.std() < _BLANK

    found = [one for batch in decoded_ahead(paths, 256, both) for one in batch]
    bits = np.array([bits for bits, _ in found]).astype("float32") * 2 - 1
    return bits[:, 0], bits[:, 1], np.array([blank for _, blank in found])


def nearest_earlier(
    left: np.ndarray,
    right: np.ndarray,
    least: float,
    parts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each row the most similar one of those before it.

    All pairs are compared, in blocks, so that memory does not grow with their
    number; and one partner a row is kept, so that a thousand copies of one
    photograph are a thousand pairs.

    Args:
        left: Vectors of shape `(rows, size)`.
        right: What the earlier rows are looked at as, of the same shape.
        least: Product from which on two rows are a pair.
        parts: A number for each row; rows of equal ones are no pair. Defaults
            to `None`: all may be.

    Returns:
        The place of each row's partner, -1 where there is none, and the
        product.

    Example:
    >>> rows = np.array([[1.0, 0], [0, 1], [1, 0]])
    >>> nearest_earlier(rows, rows, 0.9)[0].tolist()
    [-1, -1, 0]
    """
    count = len(left)
    partner = np.full(count, -1)
    score = np.full(count, -np.inf, "float32")
    for start in range(0, count, _ROWS):
        rows = slice(start, min(start + _ROWS, count))
        for begin in range(0, rows.stop, 8 * _ROWS):
            columns = slice(begin, min(begin + 8 * _ROWS, rows.stop))
            found = left[rows] @ right[columns].T
            numbers = np.arange(columns.start, columns.stop)
            later = numbers[None] >= np.arange(rows.start, rows.stop)[:, None]
            found[later] = -np.inf
            if parts is not None:
                same = parts[columns][None] == parts[rows][:, None]
                found[same] = -np.inf
            best = found.argmax(1)
            value = found[np.arange(len(best)), best]
            better = value > score[rows]
            score[rows] = np.where(better, value, score[rows])
            partner[rows] = np.where(better, numbers[best], partner[rows])
    partner[score < least] = -1
    return partner, score


def near_copies(
    hashes: tuple[np.ndarray, np.ndarray, np.ndarray],
    features: np.ndarray | None,
    parts: np.ndarray | None = None,
) -> dict[int, tuple[int, float]]:
    """Returns photographs that are nearly an earlier one.

    Args:
        hashes: As `perceptual_hashes` returns them.
        features: Vectors of the frozen part, or `None`.
        parts: As for `nearest_earlier`.

    Returns:
        Rows, each with its partner and how alike they are: 1 less the share
        of different bits of their hashes, or the cosine of their features.
    """
    bits, mirrored, blank = hashes
    # Without contrast the bits of a hash are noise.
    bits = np.where(blank[:, None], 0, bits).astype("float32")
    least = _HASH_BITS - 2 * MOST_BITS
    found: dict[int, tuple[int, float]] = {}
    kinds = [(bits, bits, least), (bits, mirrored, least)]
    if features is not None:
        unit = features / np.maximum(
            np.linalg.norm(features, axis=1, keepdims=True), 1e-12
        )
        unit = np.where(blank[:, None], 0, unit).astype("float32")
        kinds.append((unit, unit, LEAST_COSINE))
    for left, right, enough in kinds:
        partner, score = nearest_earlier(left, right, enough, parts)
        if left is bits:
            score = (score + _HASH_BITS) / (2 * _HASH_BITS)
        for row in np.nonzero(partner >= 0)[0]:
            pair = int(partner[row]), float(score[row])
            found.setdefault(int(row), pair)
    return found
