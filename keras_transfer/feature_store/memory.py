"""A feature store in memory, for data that are small enough."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.array_spec import rows_to_store


class MemoryStore:
    """Rows in memory, with the interface of `FeatureStore`.

    Args:
        specs: The arrays by name.
        arrays: All rows of each.
        fingerprint: What they were made from.
        notes: Notes about them.
    """

    def __init__(
        self,
        specs: Mapping[str, ArraySpec],
        arrays: Mapping[str, np.ndarray],
        fingerprint: Mapping[str, Any] | None = None,
        notes: Mapping[str, Any] | None = None,
    ):
        self.specs = dict(specs)
        self.fingerprint = dict(fingerprint or {})
        self.notes = dict(notes or {})
        self._arrays = dict(arrays)

    def __len__(self):
        return len(next(iter(self._arrays.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return sum(array.nbytes for array in self._arrays.values())

    def read(
        self, rows: slice | Sequence[int] | np.ndarray, name: str | None = None
    ) -> Any:
        """Returns some rows of one array, or a dictionary of all arrays."""
        if not isinstance(rows, slice):
            rows = np.asarray(rows, "int64")
        if name is not None:
            return self._arrays[name][rows]
        return {each: array[rows] for each, array in self._arrays.items()}

    def replace(self, name: str, array: np.ndarray) -> None:
        """Replaces an array by an equal one, such as the view of a tensor."""
        self._arrays[name] = array


class MemoryWriter:
    """Collects rows in memory, with the interface of `StoreWriter`.

    Args:
        arrays: What is stored, by name.
        rows: Number of rows in all.
        fingerprint: What the rows are made from.
        notes: Notes about them.

    Example:
    >>> with MemoryWriter({"a": ArraySpec((2,))}, rows=3) as writer:
    ...     writer.write({"a": np.ones((3, 2))})
    ...     store = writer.finish()
    >>> store["a"].shape
    (3, 2)
    """

    complete = False

    def __init__(
        self,
        arrays: Mapping[str, ArraySpec],
        *,
        rows: int,
        fingerprint: Mapping[str, Any] | None = None,
        notes: Mapping[str, Any] | None = None,
    ):
        self.rows_done = 0
        self._rows = rows
        self._arrays = {
            name: np.empty((rows, *spec.shape), spec.type)
            for name, spec in arrays.items()
        }
        self._store = MemoryStore(arrays, self._arrays, fingerprint, notes)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def write(self, batch: Mapping[str, np.ndarray]) -> None:
        """Keeps the next rows.

        Raises:
            ValueError: The rows do not fit.
            TypeError: Their type cannot become the stored one.
        """
        stored, done = rows_to_store(
            batch, self._store.specs, self.rows_done, self._rows
        )
        for name, rows in stored.items():
            array = self._arrays[name]
            array[self.rows_done : done] = rows.view(array.dtype)
        self.rows_done = done

    def finish(self) -> MemoryStore:
        """Returns the store.

        Raises:
            ValueError: Rows are missing.
        """
        if self.rows_done != self._rows:
            raise ValueError(
                f"The store cannot be finished: {self.rows_done} rows of "
                f"{self._rows} are done."
            )
        return self._store
