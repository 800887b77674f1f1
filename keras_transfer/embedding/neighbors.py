"""The photographs of a folder that a network finds most alike."""

import dataclasses
import os
from typing import Any

import keras

from keras_transfer.embedding.computing import embed
from keras_transfer.embedding.result import VECTORS
from keras_transfer.embedding.result import Embeddings
from keras_transfer.embedding.search import METRICS
from keras_transfer.embedding.search import search
from keras_transfer.feature_store.manifest import StaleFeaturesError
from keras_transfer.feature_store.manifest import explain_change
from keras_transfer.names import check_whole_number


@dataclasses.dataclass(frozen=True)
class Neighbor:
    """One photograph that is near to another.

    Args:
        path: Its file; its row number as text where an array was searched.
        score: Cosine of the angle between the embeddings, 1 for the same
            direction; for the metric `"l2"` their distance, 0 for the same.
        label: Name of its class folder, or `None`.
    """

    path: str
    score: float
    label: str | None = None


def nearest(
    model: keras.Model,
    folder: Any,
    query: Any,
    k: int = 5,
    *,
    at: Any = "backbone",
    pooling: str = "avg",
    metric: str = "cosine",
    index: str | os.PathLike | None = None,
    rebuild: bool = False,
    batch_size: int = 32,
    image_size: int | tuple[int, int] | None = None,
    bad_files: str = "error",
    progress: bool | None = None,
) -> list[Neighbor] | list[list[Neighbor]]:
    """Returns the photographs of a folder that are most like another.

    All of them are compared: for 100,000 vectors of 1,280 values that is a
    matter of a second or two. A photograph is no neighbour of itself.

    Args:
        model: Any model of one image input; what is alike is what its
            features say.
        folder: A folder, a list of files, a data set of
            `kt.data.from_directory`, an array, or the `Embeddings` of one.
        query: A photograph, or a list of them; or an array of images of shape
            `(rows, height, width, channels)`.
        k: Number of neighbours, at least 1. Defaults to 5.
        at: The activation to compare; see `embed`.
        pooling: `"avg"`, `"max"` or `"gem"`. Defaults to `"avg"`.
        metric: `"cosine"`, which looks at the direction of embeddings, or
            `"l2"`, their Euclidean distance. Defaults to `"cosine"`.
        index: A folder in which the embeddings are kept, to be used again.
            One of another model or of other files is refused with what has
            changed. Defaults to `None`: they are computed each time.
        rebuild: Whether a stale index is replaced. Defaults to False.
        batch_size: Images at a time. Defaults to 32.
        image_size: `(height, width)`, for a model of any size.
        bad_files: `"error"` or `"skip"`; see `embed`.
        progress: Whether a progress bar is drawn; see `embed`.

    Returns:
        `Neighbor` objects, nearest first; for several queries a list of such
        lists.

    Raises:
        StaleFeaturesError: The index, or the `Embeddings`, were made with
            another model or from other files.
        ValueError: `k` is larger than the folder, there is no image, or what
            is to be compared is no vector.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> conv = keras.layers.Conv2D(4, 3, name="conv")
    >>> model = keras.Model(image, conv(image))
    >>> found = kt.nearest(model, "photos", "bee.jpg", k=2, at="conv")
    >>> [type(neighbor).__name__ for neighbor in found]
    ['Neighbor', 'Neighbor']
    """
    _check_arguments(k, metric)
    options = {
        "at": at,
        "pooling": pooling,
        "batch_size": batch_size,
        "image_size": image_size,
    }
    is_one = isinstance(query, str | os.PathLike)
    queries = embed(
        model, [query] if is_one else query, progress=False, **options
    )
    rows = folder
    if not isinstance(folder, Embeddings):
        rows = embed(
            model,
            folder,
            out=index,
            rebuild=rebuild,
            bad_files=bad_files,
            progress=progress,
            **options,
        )
    _check_comparable(queries, rows)
    same = _same_files(queries, rows)
    most = len(rows) - max(map(len, same))
    if k > most:
        raise ValueError(
            f"There are {most} photographs to be neighbours of a query. "
            f"Received: k={k}"
        )
    numbers, scores = search(
        queries.vectors, rows.store, k + max(map(len, same)), metric
    )
    found = [
        [
            _neighbor(rows, number, score)
            for number, score in zip(numbers[i], scores[i], strict=True)
            if number not in same[i]
        ][:k]
        for i in range(len(queries))
    ]
    return found[0] if is_one else found


def _check_arguments(k, metric):
    check_whole_number("k", k, least=1)
    if metric not in METRICS:
        raise ValueError(
            f"`metric` must be one of {list(METRICS)}. Received: "
            f"metric={metric!r}"
        )


def _check_comparable(queries, rows):
    parts = [
        {
            part: embeddings.fingerprint.get(part)
            for part in ("weights", "graph")
        }
        for embeddings in (rows, queries)
    ]
    change = explain_change(*parts)
    if change:
        raise StaleFeaturesError(
            "The embeddings to search were made with another model, or at "
            f"another layer: {change}. Embed the photographs with this one."
        )
    shape = rows.store.specs[VECTORS].shape
    if len(shape) != 1:
        raise ValueError(
            "Vectors are compared; give feature maps a pooling='avg'. "
            f"Received: rows of shape {shape}."
        )


def _same_files(queries, rows):
    """The rows that are the very file of a query, for each query."""
    if queries.paths is None or rows.paths is None:
        return [set() for _ in range(len(queries))]
    places: dict[str, set[int]] = {}
    for row, path in enumerate(rows.paths):
        places.setdefault(os.path.realpath(path), set()).add(row)
    return [places.get(os.path.realpath(p), set()) for p in queries.paths]


def _neighbor(rows: Embeddings, number: int, score: float) -> Neighbor:
    label = None
    if rows.labels is not None:
        label = rows.class_names[rows.labels[number]]
    path = str(number) if rows.paths is None else rows.paths[number]
    return Neighbor(path, float(score), label)
