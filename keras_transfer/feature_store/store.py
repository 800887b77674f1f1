"""A folder of named arrays with one row per example.

    specs = {"features": ArraySpec((7, 7, 768), "bfloat16"),
             "labels": ArraySpec((), "int32")}
    with StoreWriter(folder, specs, rows=1000, fingerprint=parts) as writer:
        for start in range(writer.rows_done, 1000, 32):   # resumes by itself
            writer.write({"features": ..., "labels": ...})  # the next rows
        store = writer.finish()

    store = load_store(folder, fingerprint=parts)  # refuses a stale store
    store["features"]                 # memory map of all rows
    store.read([5, 2, 9])             # dictionary of copies, nothing mapped
    store.read(slice(0, 64), "labels")
    store.notes                       # what StoreWriter(notes=...) was given

`find_store` opens the store of a folder if it is complete and fresh. The writer
is in `store_writer.py`, the one that keeps everything in memory in `memory.py`,
and fingerprints are in `fingerprint.py`. Each array is a `.npy` file that NumPy
itself can read; bfloat16 is stored as uint16 with the same bits.
"""

import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.feature_store.array_file import ArrayReader
from keras_transfer.feature_store.array_file import offset_of
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.manifest import Manifest
from keras_transfer.feature_store.manifest import check_fresh
from keras_transfer.feature_store.manifest import read_manifest
from keras_transfer.feature_store.manifest import read_notes
from keras_transfer.names import did_you_mean


class FeatureStore:
    """Stored rows, complete and readable; made by `load_store`.

    Args:
        folder: Where they are.
        manifest: What they are.
    """

    def __init__(self, folder: pathlib.Path, manifest: Manifest):
        self.folder = folder
        self.fingerprint = manifest.fingerprint
        self._manifest = manifest
        self._readers: dict[str, ArrayReader] = {}

    def __len__(self):
        return self._manifest.rows

    def __repr__(self):
        arrays = ", ".join(
            f"{name}: {spec.shape} {spec.dtype}"
            for name, spec in self.specs.items()
        )
        return f"<FeatureStore {os.fspath(self.folder)!r}, {len(self)} rows of \
{arrays}>"

    def __getitem__(self, name: str) -> np.ndarray:
        """A memory map of all rows of one array."""
        spec = self.specs[self._known(name)]
        mapped = np.load(self.path_of(name), mmap_mode="r")
        return mapped.view(spec.type)

    @property
    def specs(self) -> dict[str, ArraySpec]:
        """The arrays by name."""
        return self._manifest.arrays

    @property
    def notes(self) -> dict[str, Any]:
        """The notes that the writer stored with the rows."""
        return read_notes(self.folder)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self._manifest.row_bytes * len(self)

    def path_of(self, name: str) -> pathlib.Path:
        """The `.npy` file of one array."""
        return self.folder / self._manifest.files[self._known(name)]

    def read(
        self,
        rows: slice | Sequence[int] | np.ndarray,
        name: str | None = None,
    ) -> Any:
        """Returns copies of some rows, without mapping the files.

        Args:
            rows: A slice, or row numbers in any order.
            name: The array to return; `None` for a dictionary of all
                arrays.

        Raises:
            IndexError: For a row that does not exist.
            KeyError: For an array that does not exist.
        """
        rows = self._checked(rows)
        if name is not None:
            return self._reader(self._known(name)).read(rows)
        return {each: self._reader(each).read(rows) for each in self.specs}

    def close(self) -> None:
        """Closes the files that `read` has opened."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _reader(self, name):
        if name not in self._readers:
            spec = self.specs[name]
            self._readers[name] = ArrayReader(self.path_of(name), spec)
        return self._readers[name]

    def _known(self, name):
        if name not in self.specs:
            raise KeyError(
                f"{os.fspath(self.folder)!r} holds no array {name!r}, only "
                f"{list(self.specs)}." + did_you_mean(str(name), self.specs)
            )
        return name

    def _checked(self, rows):
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return slice(start, max(start, stop))
            return np.arange(start, stop, step)
        rows = np.asarray(rows, "int64")
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(
                f"Rows are counted from 0 to {len(self) - 1}. Received: from "
                f"{rows.min()} to {rows.max()}."
            )
        return rows


def load_store(
    folder: str | os.PathLike, fingerprint: Mapping[str, Any] | None = None
) -> FeatureStore:
    """Opens a complete store.

    Args:
        folder: Where it is.
        fingerprint: What its rows must have been made from; `None` to take
            whatever is there.

    Raises:
        StaleFeaturesError: The rows were made from something else; the
            message says what has changed.
        ValueError: There is no store, or it is unfinished or damaged.
    """
    folder = pathlib.Path(folder).expanduser()
    manifest = read_manifest(folder)
    name = os.fspath(folder)
    if manifest is None:
        raise ValueError(f"There is no feature store in {name!r}.")
    if fingerprint is not None:
        check_fresh(folder, manifest.fingerprint, fingerprint)
    if not manifest.complete:
        rows = "an unknown number of" if manifest.rows is None else ""
        raise ValueError(
            f"The feature store {name!r} is not finished: it holds "
            f"{manifest.rows_done} of {rows or manifest.rows} rows. Start what "
            "wrote it again; it continues from there."
        )
    for array, spec in manifest.arrays.items():
        check_size(folder / manifest.files[array], spec, manifest.rows)
    return FeatureStore(folder, manifest)


def find_store(
    folder: str | os.PathLike, fingerprint: Mapping[str, Any] | None = None
) -> FeatureStore | None:
    """Opens a complete store like `load_store`, if there is one.

    Returns:
        The store; `None` if there is none or it is not finished.

    Raises:
        StaleFeaturesError: The rows were made from something else.
        ValueError: It is damaged.
    """
    folder = pathlib.Path(folder).expanduser()
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    if fingerprint is not None:
        check_fresh(folder, manifest.fingerprint, fingerprint)
    return load_store(folder) if manifest.complete else None


def check_size(path: pathlib.Path, spec: ArraySpec, rows: int) -> None:
    """Raises if a file holds fewer rows than its record says."""
    size = path.stat().st_size if path.exists() else 0
    if size < offset_of(spec, rows):
        raise ValueError(
            f"{os.fspath(path)!r} is damaged: it should hold {rows} rows, "
            f"which take {offset_of(spec, rows)} bytes, and has {size}. Pass "
            "rebuild=True to compute it anew, or delete the folder."
        )
