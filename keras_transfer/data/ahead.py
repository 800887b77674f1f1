"""Photographs decoded by threads while a model computes."""

import collections
import concurrent.futures
import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


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
