"""The check of a batch of rows before it is stored."""

from collections.abc import Mapping

import numpy as np

from keras_transfer.feature_store.array_spec import ArraySpec


def rows_to_store(
    batch: Mapping[str, np.ndarray],
    specs: Mapping[str, ArraySpec],
    done: int,
    rows: int | None,
) -> tuple[dict[str, np.ndarray], int]:
    """Returns a batch as it is stored, with the number of rows done then.

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
