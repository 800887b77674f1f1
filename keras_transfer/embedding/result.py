"""The embeddings of images, with the names of their files."""

import os
import pathlib
from typing import Any

import numpy as np

from keras_transfer.feature_store.store import load_store

VECTORS = "vectors"


class Embeddings:
    """A row for each image.

    Args:
        store: Holds the array `"vectors"`, with the names in its notes.
    """

    def __init__(self, store: Any):
        self.store = store
        notes = store.notes
        paths, labels = notes.get("paths"), notes.get("labels")
        names = notes.get("class_names")
        #: Files of the rows, or `None` where an array was embedded.
        self.paths: list[str] | None = paths
        #: Class number of each row, where the classes are known.
        self.labels = None if labels is None else np.asarray(labels, "int32")
        #: Names of the classes, where they are known.
        self.class_names: list[str] | None = names
        #: Files that were left out, each with the reason.
        self.left_out: dict[str, str] = notes.get("left_out", {})

    @property
    def vectors(self) -> np.ndarray:
        """All rows: a memory map where they are kept in a folder."""
        return self.store[VECTORS]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the rows were made from: weights, graph, data, options."""
        return self.store.fingerprint

    def __len__(self):
        return len(self.store)

    def __repr__(self):
        spec = self.store.specs[VECTORS]
        classes = self.class_names and f", classes {self.class_names}"
        return (
            f"<Embeddings of {len(self)} images, {spec.dtype} of shape "
            f"{spec.shape}{classes or ''}>"
        )


def load_embeddings(path: str | os.PathLike) -> Embeddings:
    """Opens what `embed` has written.

    Args:
        path: The folder, or the `.parquet` file.

    Raises:
        ValueError: There is nothing, or only half of it.

    Example:
    >>> import keras_transfer as kt
    >>> kt.load_embeddings("nothing")
    Traceback (most recent call last):
    ...
    ValueError: There is no feature store in 'nothing'.
    """
    if pathlib.Path(path).suffix == ".parquet":
        from keras_transfer.embedding.parquet import load_parquet

        return Embeddings(load_parquet(path))
    return Embeddings(load_store(path))
