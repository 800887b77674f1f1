"""Decoded images: kept from one epoch to the next, or made ahead by threads."""

import collections
import concurrent.futures
import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import psutil

T = TypeVar("T")
CACHES = ("auto", "memory", False)
_SHARE_OF_FREE_MEMORY = 0.25


class DecodedImages:
    """Returns images by number, each decoded at most once.

    Their bytes take a quarter of the memory that batches of floats would take,
    and take it as they come in: no epoch waits for all of them.

    Args:
        num_images: Number of images.
        shape: `(height, width, channels)` of every image.
        decode: Returns an image as uint8, given its number.

    Example:
    >>> images = DecodedImages(2, (1, 2, 3), lambda row: np.ones((1, 2, 3)))
    >>> images(1).tolist()
    [[[1, 1, 1], [1, 1, 1]]]
    """

    def __init__(
        self,
        num_images: int,
        shape: tuple[int, int, int],
        decode: Callable[[int], np.ndarray],
    ):
        self._decode = decode
        self._pixels = np.empty((num_images, *shape), "uint8")
        self._is_there = np.zeros(num_images, bool)

    def __call__(self, row: int) -> np.ndarray:
        """Returns one image, which is not to be written to."""
        if not self._is_there[row]:
            # Two threads that decode the same image write the same pixels.
            self._pixels[row] = self._decode(row)
            self._is_there[row] = True
        return self._pixels[row]


def are_kept(
    cache: str | bool, num_images: int, shape: tuple[int, int, int]
) -> bool:
    """Tells whether decoded images are to be kept.

    Args:
        cache: `"auto"` keeps those that take at most a quarter of the free
            memory, `"memory"` all, `False` none.
        num_images: Number of images.
        shape: `(height, width, channels)` of every image.

    Raises:
        ValueError: `"memory"` asks for more than is free.
    """
    if not cache:
        return False
    needed = num_images * int(np.prod(shape))
    free = psutil.virtual_memory().available
    if cache == "auto":
        return needed <= _SHARE_OF_FREE_MEMORY * free
    if needed > free:
        raise ValueError(
            f'`cache="memory"` would keep {num_images:,} decoded images, '
            f"{needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free. "
            "Choose a smaller `image_size` or `cache=False`."
        )
    return True


def decoded_ahead(
    paths: Sequence[str | os.PathLike],
    batch_size: int,
    decode: Callable[[str | os.PathLike], T],
) -> Iterator[list[T]]:
    """Yields what is decoded of each batch of files, in their order.

    The batch after the one that is yielded is being decoded, and no other is
    in memory.

    Args:
        paths: The files.
        batch_size: How many belong together, at least 1.
        decode: Returns what is made of one file; called by many threads.

    Example:
    >>> [*decoded_ahead(["a.jpg", "b.jpg", "c.jpg"], 2, len)]
    [[5, 5], [5]]
    """
    with contextlib.ExitStack() as stack:
        pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        # When nobody takes the rest, what has not begun is not decoded.
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        ahead: collections.deque = collections.deque()
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            ahead.append([pool.submit(decode, path) for path in batch])
            if len(ahead) > 1:
                yield [future.result() for future in ahead.popleft()]
        while ahead:
            yield [future.result() for future in ahead.popleft()]
