"""Batches of what comes in at about the same time."""

import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np


class MicroBatches:
    """Computes single items together, in one thread that owns the model.

    While a batch is computed the next one gathers, so that waiting matters
    only where little comes in.

    Args:
        compute: Returns a row for each item of a batch.
        max_batch: Largest number of items of a batch.
        max_wait: Seconds that the first item of a batch waits for more.
        observe: Called with the size of each batch.

    Example:
    >>> batches = MicroBatches(lambda items: items + 1, 8, 0.001)
    >>> int(batches.submit(np.int64(1)).result())
    2
    >>> batches.close()
    """

    def __init__(
        self,
        compute: Callable[[np.ndarray], np.ndarray],
        max_batch: int,
        max_wait: float,
        observe: Callable[[int], Any] = lambda size: None,
    ):
        self._compute = compute
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._observe = observe
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, name="micro-batches", daemon=True
        )
        self._thread.start()

    def submit(self, item: np.ndarray) -> concurrent.futures.Future:
        """Returns a future row for an item; cancel it when nobody wants it."""
        future: concurrent.futures.Future = concurrent.futures.Future()
        self._waiting.put((item, future))
        return future

    def close(self, seconds: float | None = None) -> None:
        """Computes what is waiting, then ends the thread.

        Args:
            seconds: How long to wait for it. Defaults to as long as it takes.
        """
        self._waiting.put(None)
        self._thread.join(seconds)

    def _work(self):
        is_open = True
        while is_open:
            batch, is_open = self._gather()
            wanted = [
                (item, future)
                for item, future in batch
                if future.set_running_or_notify_cancel()
            ]
            if wanted:
                self._fulfil(*zip(*wanted, strict=True))

    def _gather(self):
        """Returns the next batch, and whether more may come."""
        batch: list[Any] = []
        deadline = None
        while len(batch) < self._max_batch:
            try:
                if deadline is None:
                    item = self._waiting.get()
                    deadline = time.monotonic() + self._max_wait
                else:
                    left = max(0.0, deadline - time.monotonic())
                    item = self._waiting.get(timeout=left)
            except queue.Empty:
                break
            if item is None:
                return batch, False
            batch.append(item)
        return batch, True

    def _fulfil(self, items, futures):
        self._observe(len(items))
        # Those who wait must learn of any failure; the thread serves others.
        try:
            rows = self._compute(np.stack(items))
        except Exception as error:
            for future in futures:
                future.set_exception(error)
            return
        for future, row in zip(futures, rows, strict=True):
            future.set_result(row)
