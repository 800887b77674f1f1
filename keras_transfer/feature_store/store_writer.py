"""The writing of a feature store, batch by batch, resumable after a kill."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_transfer.feature_store.array_file import ArrayWriter
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.array_spec import rows_to_store
from keras_transfer.feature_store.manifest import NAME
from keras_transfer.feature_store.manifest import NOTES
from keras_transfer.feature_store.manifest import Manifest
from keras_transfer.feature_store.manifest import file_names
from keras_transfer.feature_store.manifest import read_manifest
from keras_transfer.feature_store.manifest import write_manifest
from keras_transfer.feature_store.store import FeatureStore
from keras_transfer.feature_store.store import load_store
from keras_transfer.feature_store.store_folder import begin_store
from keras_transfer.feature_store.store_folder import check_same_store
from keras_transfer.feature_store.store_folder import explain_unwritable
from keras_transfer.files.whole_files import sweep


class StoreWriter:
    """Writes the rows of a store in order, continuing where a killed run ended.

    Each batch is written to disk before the record that counts it, so that a
    kill loses at most one batch. If rows are computed the same each time, the
    files end with the same bytes as those of an uninterrupted run.

    Args:
        folder: Where to write; created if it does not exist. It is empty, or
            holds a store of the same arrays and fingerprint.
        arrays: What is stored, by name.
        rows: Number of rows in all; `None` if it is not known beforehand, in
            which case free disk space is not checked.
        fingerprint: What the rows are made from: JSON values, compared with
            those of an earlier run. Defaults to nothing.
        notes: JSON values to store with the rows, such as their names; not
            compared. Defaults to nothing.
        rebuild: Whether to overwrite a store of something else. Defaults to
            False, which raises.

    Raises:
        StaleFeaturesError: The folder holds rows made from something else.
        ValueError: The folder cannot be written, holds something else, or
            lies on a full disk.

    Example:
    >>> import tempfile
    >>> specs = {"features": ArraySpec((2,)), "labels": ArraySpec((), "int32")}
    >>> with StoreWriter(tempfile.mkdtemp(), specs, rows=3) as writer:
    ...     writer.write({"features": np.ones((2, 2)), "labels": [0, 1]})
    ...     writer.write({"features": np.zeros((1, 2)), "labels": [1]})
    ...     store = writer.finish()
    >>> store.read([2, 0], "labels")
    array([1, 0], dtype=int32)
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        arrays: Mapping[str, ArraySpec],
        *,
        rows: int | None,
        fingerprint: Mapping[str, Any] | None = None,
        notes: Mapping[str, Any] | None = None,
        rebuild: bool = False,
    ):
        self.folder = pathlib.Path(folder).expanduser()
        if not arrays or rows == 0:
            raise ValueError(
                "There is nothing to store: neither an array nor a row may be "
                f"missing. Received: {len(arrays)} arrays, {rows} rows."
            )
        wanted = Manifest(
            arrays=dict(arrays),
            files=file_names(arrays),
            rows=rows,
            rows_done=0,
            complete=False,
            fingerprint=dict(fingerprint or {}),
        )
        manifest = None if rebuild else read_manifest(self.folder)
        if manifest is None:
            begin_store(self.folder, wanted, notes or {}, rebuild)
        else:
            check_same_store(self.folder, manifest, wanted)
        self._manifest = manifest or wanted
        self._writers: dict[str, ArrayWriter] = {}
        if not self.complete:
            self._open()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def rows_done(self) -> int:
        """Number of rows on disk, which is the number of the next row."""
        return self._manifest.rows_done

    @property
    def complete(self) -> bool:
        """Whether `finish` was called already, in this run or before."""
        return self._manifest.complete

    def write(self, batch: Mapping[str, np.ndarray]) -> None:
        """Stores the next rows; when it returns they are on disk.

        Args:
            batch: Rows of every array, the same number of each.

        Raises:
            ValueError: The rows do not fit the store.
            TypeError: Their type cannot become the stored one.
        """
        stored, done = rows_to_store(
            batch, self._manifest.arrays, self.rows_done, self._manifest.rows
        )
        for name, rows in stored.items():
            self._writers[name].write(self.rows_done, rows)
        for writer in self._writers.values():
            writer.flush()
        self._record(rows_done=done)

    def finish(self) -> FeatureStore:
        """Makes the files readable and returns the store.

        Raises:
            ValueError: Rows are missing.
        """
        if self.complete:
            return load_store(self.folder)
        rows = self._manifest.rows or self.rows_done
        if not 0 < self.rows_done == rows:
            raise ValueError(
                f"The store {os.fspath(self.folder)!r} cannot be finished: "
                f"{self.rows_done} rows of {rows} are done."
            )
        for writer in self._writers.values():
            writer.finish(rows)
        self._record(rows=rows, complete=True)
        # A killed run may leave a temporary file of the record.
        for name in (NAME, NOTES):
            sweep(self.folder / name)
        return load_store(self.folder)

    def close(self) -> None:
        """Closes the files; what is on disk stays."""
        for writer in self._writers.values():
            writer.close()

    def _record(self, **changes):
        self._manifest = dataclasses.replace(self._manifest, **changes)
        write_manifest(self.folder, self._manifest)

    def _open(self):
        for name, spec in self._manifest.arrays.items():
            path = self.folder / self._manifest.files[name]
            try:
                self._writers[name] = ArrayWriter(path, spec)
            except OSError as error:
                self.close()
                raise ValueError(explain_unwritable(path, error)) from error
        if not self.rows_done:
            for writer in self._writers.values():
                writer.start()
