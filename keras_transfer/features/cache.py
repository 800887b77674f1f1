"""The features at a freeze boundary, computed once for each row."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import filesize

from keras_transfer import __version__
from keras_transfer.feature_store.manifest import explain_change
from keras_transfer.feature_store.manifest import read_manifest
from keras_transfer.feature_store.memory import MemoryStore
from keras_transfer.feature_store.memory import MemoryWriter
from keras_transfer.feature_store.store import FeatureStore
from keras_transfer.feature_store.store_writer import StoreWriter
from keras_transfer.features.boundary import Split
from keras_transfer.features.boundary import specs_of
from keras_transfer.features.budget import check_dtype
from keras_transfer.features.cached_steps import reader_of
from keras_transfer.features.computing import compute_together
from keras_transfer.features.rows import sources_of
from keras_transfer.features.steps import digest_of_weights
from keras_transfer.features.steps import fingerprint_part


class FeatureCache:
    """The output of a frozen prefix for every row, in memory or on disk.

    `kt.fit` creates such caches by itself; create one to use the features
    elsewhere, or to compute them beforehand. With a folder, features are
    written batch by batch, so that memory use does not grow with their number.
    A process that is killed continues when started again, and ends with the
    same bytes; features computed from other weights, preprocessing or data are
    refused. One folder can hold the features of several freeze boundaries, and
    `kt.fit(cache=folder)` finds those of the same data.

    Args:
        split: A model in two parts, as `kt.split_at_boundary` returns it.
        *data: What `fit` takes as `x`: arrays, or data sets of
            `kt.data.from_directory` without augmentation. The rows of several
            are numbered consecutively, as `kt.fit` does with training and
            validation data.
        folder: Where to keep the features. Defaults to `None`: in memory.
        dtype: `"float32"`, or `"float16"` or `"bfloat16"`, which take half the
            space and round. Defaults to `None`: the type in which they are
            computed.
        batch_size: Rows per batch, for arrays. Defaults to 32.
        rebuild: Whether to replace features in the folder that were computed
            from something else. Defaults to False.
        progress: Whether to draw a progress bar if stderr is a terminal.
            Defaults to True.

    Raises:
        ValueError: For data that cannot be read twice in one order, another
            `dtype`, or a feature whose size is open.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    >>> model.layers[0].trainable = False
    >>> parts = kt.split_at_boundary(model)
    >>> cache = kt.FeatureCache(parts, np.ones((5, 4)))
    >>> cache.nbytes
    60
    >>> [features.shape for features in cache.read([0, 3])]
    [(2, 3)]
    """

    def __init__(
        self,
        split: Split,
        *data: Any,
        folder: str | os.PathLike | None = None,
        dtype: str | None = None,
        batch_size: int | None = None,
        rebuild: bool = False,
        progress: bool = True,
    ):
        check_dtype(dtype)
        self.split = split
        self.sources = sources_of(data, batch_size)
        self.specs = specs_of(split, self.sources, dtype)
        self._rebuild = rebuild
        self._progress = progress
        self._fingerprint = None
        self._weights = None
        self._store = self._reader = None
        self.folder = None
        if folder is not None:
            self._fingerprint = self._fingerprint_of(dtype)
            place = f"features-{self._fingerprint['graph'][:12]}"
            self.folder = pathlib.Path(folder).expanduser() / place

    def __len__(self):
        return sum(source.num_rows for source in self.sources)

    @property
    def nbytes(self) -> int:
        """Bytes of all features, known before they are computed."""
        return len(self) * sum(spec.row_bytes for spec in self.specs.values())

    @property
    def size(self) -> str:
        """Number of rows, size and place, as text."""
        place = "in memory"
        if self.folder is not None:
            place = f"in {os.fspath(self.folder)!r}"
        return f"{len(self):,} rows, {filesize.decimal(self.nbytes)} {place}"

    def compute(self) -> FeatureStore | MemoryStore:
        """Computes missing rows, and returns the store of all of them.

        Raises:
            StaleFeaturesError: The folder holds features computed from
                something else; the message says what has changed.
            ValueError: The folder cannot be written, or the disk is too full.
        """
        if self._store is None:
            compute_together([self], self._progress)
        return self._store

    def read(self, rows: slice | Sequence[int] | np.ndarray) -> list[Any]:
        """Returns the features of some rows as arrays; computes them if needed.

        Args:
            rows: A slice, or row numbers.

        Returns:
            One array for each tensor that crosses the boundary, as
            `split.suffix` takes them.
        """
        return [*self.compute().read(rows).values()]

    def open(self) -> None:
        """Prepares `gather`; call it outside of compiled steps."""
        refs = self.split.prefix.output_refs
        self._reader = reader_of(self.compute(), refs)

    def gather(self, rows: Any) -> list[Any]:
        """Returns the features of some rows as tensors.

        Args:
            rows: Row numbers, also as a tensor inside a compiled step.
        """
        return self._reader(rows)

    def is_current(self) -> bool:
        """Whether the frozen weights are those it was computed with."""
        return digest_of_weights(self.split.prefix) == self._weights

    def explain_change(self) -> str:
        """Returns what has changed since its folder was written, or `""`."""
        found = None if self.folder is None else read_manifest(self.folder)
        if found is None:
            return ""
        return explain_change(found.fingerprint, self._fingerprint)

    def writer(self) -> StoreWriter | MemoryWriter:
        """Returns what the rows are to be written with."""
        self._weights = digest_of_weights(self.split.prefix)
        if self.folder is None:
            return MemoryWriter(self.specs, rows=len(self))
        return StoreWriter(
            self.folder,
            self.specs,
            rows=len(self),
            fingerprint=self._fingerprint,
            rebuild=self._rebuild and bool(self.explain_change()),
        )

    def keep(self, store: FeatureStore | MemoryStore) -> None:
        """Takes what a writer has finished."""
        self._store = store

    def _fingerprint_of(self, dtype):
        data = {
            f"data {number}" if number > 1 else "data": source.fingerprint()
            for number, source in enumerate(self.sources, start=1)
        }
        # Another version may decode or compute otherwise.
        options = {"dtype": dtype or "as computed", "version": __version__}
        prefix = fingerprint_part(self.split.prefix)
        return {**prefix, **data, "options": options}
