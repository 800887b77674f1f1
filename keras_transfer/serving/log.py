"""What a service writes to stderr: little, whatever clients do."""

import logging
import sys
import time
from typing import TextIO

_LOGGERS = ("uvicorn.error", "asyncio", "python_multipart", __package__)
_MOST_LINES = 20
_MOST_CHARACTERS = 2_000


class BoundedHandler(logging.Handler):
    """Writes at most twenty records in a minute, and counts the others.

    Control characters are escaped, long records are cut.

    Args:
        file: What is written to. Defaults to stderr.
        seconds: After how long it begins to count anew. Defaults to 60.
    """

    def __init__(self, file: TextIO | None = None, seconds: float = 60):
        super().__init__(logging.WARNING)
        self._file = file or sys.stderr
        self._seconds = seconds
        self._end = 0.0
        self._count = 0

    def emit(self, record):
        now = time.monotonic()
        if now >= self._end:
            if self._count > _MOST_LINES:
                self._write(f"{self._count - _MOST_LINES} more messages")
            self._end, self._count = now + self._seconds, 0
        self._count += 1
        if self._count <= _MOST_LINES:
            self._write(self.format(record))

    def _write(self, text):
        lines = text[:_MOST_CHARACTERS].splitlines()
        shown = [
            "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
            for line in lines
        ]
        # A closed stderr is no reason to stop answering.
        try:
            print(*shown, sep="\n", file=self._file, flush=True)
        except (OSError, ValueError):
            pass


def bound_logs() -> None:
    """Lets what serves write through one bounded handler."""
    handler = BoundedHandler()
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
