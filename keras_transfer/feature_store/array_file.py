"""One `.npy` file that is written and read row by row, never mapped.

Pages of a memory map count as memory of the process until the system reclaims
them; plain reads and writes do not.
"""

import io
import os
import threading
import weakref
from collections.abc import Sequence

import numpy as np

from keras_transfer.feature_store.array_spec import ArraySpec

# NumPy pads a header for a longer first axis. So the header takes the same
# space for any number of rows, and can be written last.
_MANY = 2**40


def header(spec: ArraySpec, rows: int) -> bytes:
    """Returns the header of a file; its length does not depend on `rows`."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(spec.stored),
            "fortran_order": False,
            "shape": (rows, *spec.shape),
        },
    )
    return file.getvalue()


def offset_of(spec: ArraySpec, row: int) -> int:
    """Returns where a row starts in the file."""
    return len(header(spec, _MANY)) + row * spec.row_bytes


class ArrayWriter:
    """Writes rows at their places, and the header last.

    NumPy refuses a file without header, so an unfinished file is never read as
    a whole one. Rows beyond those known to be complete are overwritten, not
    cut off, so that two processes may write the same file.

    Args:
        path: The file; created if it does not exist.
        spec: Its rows.
    """

    def __init__(self, path: str | os.PathLike, spec: ArraySpec):
        self.spec = spec
        self._handle = os.open(
            path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
        )
        self._file = open(self._handle, "r+b", buffering=0)

    def start(self) -> None:
        """Clears the header, so that an old file cannot be read."""
        self._write(0, bytes(offset_of(self.spec, 0)))

    def write(self, row: int, rows: np.ndarray) -> None:
        """Writes rows as `ArraySpec.rows_of` returned them."""
        self._write(offset_of(self.spec, row), rows.reshape(-1).view("uint8"))

    def finish(self, rows: int) -> None:
        """Writes the header, and cuts off anything behind the last row."""
        self._file.truncate(offset_of(self.spec, rows))
        self._write(0, header(self.spec, rows))
        self.flush()

    def flush(self) -> None:
        """Waits until all is on disk, then drops it from the page cache."""
        os.fsync(self._handle)
        if hasattr(os, "posix_fadvise"):  # Not on every system.
            os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, offset, data):
        view = memoryview(data)
        self._file.seek(offset)
        while view:
            view = view[self._file.write(view) :]


class ArrayReader:
    """Reads rows into arrays.

    Args:
        path: A finished file.
        spec: Its rows.
    """

    def __init__(self, path: str | os.PathLike, spec: ArraySpec):
        self.spec = spec
        self._file = open(path, "rb", buffering=0)
        # Closed with the store; callers need not do it.
        self.close = weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()

    def read(self, rows: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns these rows in this order; they must exist.

        Args:
            rows: A slice with both ends and step 1, or row numbers.
        """
        if isinstance(rows, slice):
            runs = [(rows.start, rows.stop)]
        else:
            rows = np.asarray(rows, "int64").reshape(-1)
            # Neighbours are read at once.
            ends = np.flatnonzero(np.diff(rows) != 1) + 1
            runs = [(r[0], r[-1] + 1) for r in np.split(rows, ends) if r.size]
        count = int(sum(stop - start for start, stop in runs))
        found = np.empty((count, *self.spec.shape), self.spec.stored)
        view, filled = memoryview(found.reshape(-1).view("uint8")), 0
        with self._lock:
            for start, stop in runs:
                size = int(stop - start) * self.spec.row_bytes
                self._fill(int(start), view[filled : filled + size])
                filled += size
        return found.view(self.spec.type)

    def _fill(self, row, view):
        self._file.seek(offset_of(self.spec, row))
        while view:
            count = self._file.readinto(view)
            if not count:
                raise EOFError(f"{self._file.name!r} ends before row {row}.")
            view = view[count:]
