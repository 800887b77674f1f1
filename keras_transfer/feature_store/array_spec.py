"""What a row of a feature store holds: its shape, its type, its bytes."""

import dataclasses
import math
from collections.abc import Mapping

import ml_dtypes
import numpy as np

_TYPES = {
    **{
        name: np.dtype(name)
        for name in (
            "float32",
            "float16",
            "float64",
            "bool",
            "uint8",
            "int8",
            "int16",
            "int32",
            "int64",
        )
    },
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """Rows of one shape and one type.

    Args:
        shape: Shape of a row, without the axis of rows; `()` for a number.
        dtype: `"float32"`, `"float16"`, `"bfloat16"`, `"float64"`, `"bool"`,
            `"uint8"` or `"int8"` to `"int64"`.

    Raises:
        ValueError: For another type, or a shape that is not fixed.

    Example:
    >>> ArraySpec((7, 7, 768), "bfloat16").row_bytes
    75264
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self):
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.dtype not in _TYPES:
            raise ValueError(
                f"`dtype` must be one of {sorted(_TYPES)}. Received: "
                f"dtype={self.dtype!r}"
            )
        if not all(isinstance(n, int) and n > 0 for n in self.shape):
            raise ValueError(
                "The shape of a row must be known before anything is stored. "
                f"Received: shape={self.shape}"
            )

    @classmethod
    def of(cls, batch: np.ndarray, dtype: str | None = None) -> "ArraySpec":
        """Returns the spec of the rows of a batch.

        Args:
            batch: An array whose first axis counts rows.
            dtype: Type to store, where it differs from the batch's.
        """
        batch = np.asarray(batch)
        return cls(batch.shape[1:], dtype or batch.dtype.name)

    @property
    def type(self) -> np.dtype:
        """The type of the values in memory."""
        return _TYPES[self.dtype]

    @property
    def stored(self) -> np.dtype:
        """The type in the file.

        NumPy's format has no bfloat16; such values are stored as uint16 with
        the same bits, and `array.view(ml_dtypes.bfloat16)` restores them.
        """
        stored = np.dtype("uint16") if self.dtype == "bfloat16" else self.type
        return stored.newbyteorder("<")

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape) * self.type.itemsize

    def rows_of(self, name: str, batch: np.ndarray) -> np.ndarray:
        """Returns a batch as it is stored: a C-ordered array of `stored`.

        Raises:
            ValueError: If its rows have another shape, or its values do not
                fit the type.
            TypeError: If its type cannot become the stored one.
        """
        batch = np.asarray(batch)
        if batch.shape[1:] != self.shape or batch.ndim == 0:
            raise ValueError(
                f"The rows of {name!r} must have the shape {self.shape}. "
                f"Received: {batch.shape[1:]}"
            )
        if not np.can_cast(batch.dtype, self.type, "same_kind"):
            raise TypeError(
                f"{name!r} is stored as {self.dtype}, which does not hold "
                f"{batch.dtype.name} values."
            )
        # Overflow is reported below, in more detail than by a warning.
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(batch, self.type)
        if batch.dtype != self.type:
            self._check_range(name, batch, rows)
        if self.dtype == "bfloat16":
            rows = rows.view("uint16")
        return rows.astype(self.stored, copy=False)

    def _check_range(self, name, batch, rows):
        if batch.dtype.kind in "iu":
            fits = rows == batch
        else:
            fits = np.isfinite(rows) | ~np.isfinite(batch)
        if not fits.all():
            raise ValueError(
                f"{name!r} holds {batch[~fits].flat[0]!s}, which is outside "
                f"the range of {self.dtype}; store it as "
                f"{'int64' if batch.dtype.kind in 'iu' else 'bfloat16'}."
            )


def rows_to_store(
    batch: Mapping[str, np.ndarray],
    specs: Mapping[str, ArraySpec],
    done: int,
    rows: int | None,
) -> tuple[dict[str, np.ndarray], int]:
    """Returns a batch as it is stored, and the number of rows after it.

    Args:
        batch: Rows of every array, the same number of each.
        specs: The arrays by name.
        done: Number of rows that are stored already.
        rows: Number of rows in all, or `None` where it is not known.

    Raises:
        ValueError: The rows do not fit.
        TypeError: Their type cannot become the stored one.
    """
    if batch.keys() != specs.keys():
        raise ValueError(
            f"Expected rows of {sorted(specs)}. Received: {sorted(batch)}."
        )
    stored = {
        name: specs[name].rows_of(name, values)
        for name, values in batch.items()
    }
    counts = {name: len(values) for name, values in stored.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(
            f"Every array needs the same number of rows. Received: {counts}"
        )
    count = max(counts.values())
    if rows is not None and done + count > rows:
        raise ValueError(
            f"The store has {rows} rows, of which {done} are done. Received: "
            f"{count} more."
        )
    return stored, done + count
