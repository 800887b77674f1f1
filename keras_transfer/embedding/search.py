"""Exact search for the nearest of many vectors, a block at a time."""

from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances

# What scikit-learn calls them.
METRICS = {"cosine": "cosine", "l2": "euclidean"}
# Bytes of float32 rows that are compared at a time.
_BLOCK = 2**25
# More than asked for are found in float32; which of them are nearest is decided
# in float64 from the differences, so that rounding does not decide it.
_SPARE = 32


def search(
    queries: np.ndarray,
    store: Any,
    k: int,
    metric: str = "cosine",
    name: str = "vectors",
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows that are nearest to each query, nearest first.

    Every row is compared with every query; equal ones keep the order of the
    rows. Memory does not grow with the number of rows.

    Args:
        queries: Of shape `(queries, values)`.
        store: A `FeatureStore` or `MemoryStore` whose rows are vectors of as
            many values.
        k: Number of rows to return for each query, at most all.
        metric: `"cosine"` (of the angle between them; 0 where one of them is
            all zeros) or `"l2"` (the Euclidean distance).
        name: The array of the store.

    Returns:
        Row numbers and similarities (for `"l2"`, distances), both of shape
        `(queries, k)`.

    Example:
    >>> from keras_transfer.feature_store.array_spec import ArraySpec
    >>> from keras_transfer.feature_store.memory import MemoryStore
    >>> rows = np.array([[3, 0], [0, 1], [1, 1]], "float32")
    >>> store = MemoryStore({"vectors": ArraySpec((2,))}, {"vectors": rows})
    >>> found, cosines = search(np.array([[0.0, 2.0]]), store, k=2)
    >>> found.tolist(), cosines.round(3).tolist()
    ([[1, 2]], [[1.0, 0.707]])
    """
    queries = np.asarray(queries, "float32")
    rows, width = len(store), queries.shape[1]
    wanted = min(rows, k + _SPARE)
    numbers = np.empty((len(queries), 0), "int64")
    distances = np.empty((len(queries), 0), "float32")
    step = max(1, _BLOCK // (4 * width))
    for start in range(0, rows, step):
        block = store.read(slice(start, start + step), name)
        block = np.asarray(block, "float32")
        here = np.arange(start, start + len(block))
        there = pairwise_distances(queries, block, metric=METRICS[metric])
        numbers = np.hstack([numbers, np.tile(here, (len(queries), 1))])
        distances = np.hstack([distances, there])
        best = np.argsort(distances, axis=1, kind="stable")[:, :wanted]
        numbers = np.take_along_axis(numbers, best, 1)
        distances = np.take_along_axis(distances, best, 1)
    return _decided(queries, store, name, numbers, k, metric)


def _decided(queries, store, name, numbers, k, metric):
    found = np.empty((len(queries), k), "int64")
    scores = np.empty((len(queries), k))
    for i, query in enumerate(queries.astype("float64")):
        # Rows in their order, so that a stable sort leaves equal ones in it.
        candidates = np.sort(numbers[i])
        rows = np.asarray(store.read(candidates, name), "float64")
        if metric == "l2":
            exact = np.linalg.norm(rows - query, axis=1)
            best = np.argsort(exact, kind="stable")[:k]
        else:
            norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
            exact = rows @ query / np.where(norms == 0, 1, norms)
            best = np.argsort(-exact, kind="stable")[:k]
        found[i], scores[i] = candidates[best], exact[best]
    return found, scores
