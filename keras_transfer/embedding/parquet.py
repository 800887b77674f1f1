"""Embeddings in a Parquet file: a table with a row for each image."""

import importlib.util
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_transfer.embedding.result import VECTORS
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.manifest import check_fresh
from keras_transfer.feature_store.memory import MemoryStore
from keras_transfer.feature_store.store import FeatureStore
from keras_transfer.feature_store.store_folder import remove_store
from keras_transfer.files import output_path
from keras_transfer.files.whole_files import replacing

_KEY = b"keras_transfer"
_ROW_GROUP = 2**24  # Bytes of vectors.


def check_output(path: pathlib.Path, spec: ArraySpec) -> None:
    """Raises where such vectors cannot be written to such a file.

    Raises:
        ValueError: The file cannot be written, or holds no such vectors.
        ImportError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ImportError(
            "A .parquet file is written by pyarrow, which is not installed. "
            "Run `pip install keras-transfer[parquet]`, or name a folder."
        )
    output_path.check_output(path)
    if len(spec.shape) != 1 or spec.dtype == "bfloat16":
        raise ValueError(
            "A .parquet file holds vectors of float32 or float16. Received: "
            f"rows of shape {spec.shape}, {spec.dtype}. Name a folder instead."
        )


def folder_of(path: pathlib.Path) -> pathlib.Path:
    """Returns the folder in which rows are collected.

    The index of a Parquet file comes at its end: one that is not finished
    cannot be read, or gone on with.
    """
    return path.with_name(f"{path.name}.unfinished")


def find_parquet(
    path: pathlib.Path, fingerprint: Mapping[str, Any], rebuild: bool
) -> MemoryStore | None:
    """Returns what a file holds; `None` where there is none, or by `rebuild`.

    Raises:
        StaleFeaturesError: The rows were made from something else.
    """
    if rebuild or not path.exists():
        return None
    check_fresh(path, _metadata(path)["fingerprint"], fingerprint)
    return load_parquet(path)


def load_parquet(path: str | os.PathLike) -> MemoryStore:
    """Reads a file that `embed` has written into memory.

    Raises:
        ValueError: There is no such file, or it is another's.
    """
    from pyarrow import parquet

    path = pathlib.Path(path)
    metadata = _metadata(path)
    table = parquet.read_table(path)
    spec = ArraySpec(tuple(metadata["shape"]), metadata["dtype"])
    vectors = np.concatenate(
        [chunk.values.to_numpy() for chunk in table[VECTORS].chunks]
    ).reshape(-1, *spec.shape)
    notes = metadata["notes"]
    for key, column in (("paths", "path"), ("labels", "label")):
        if column in table.column_names:
            notes[key] = table[column].to_pylist()
    if notes.get("labels"):
        names = notes["class_names"]
        notes["labels"] = [names.index(label) for label in notes["labels"]]
    return MemoryStore(
        {VECTORS: spec}, {VECTORS: vectors}, metadata["fingerprint"], notes
    )


def convert(store: FeatureStore, path: pathlib.Path) -> MemoryStore:
    """Writes a store as a file, a group of rows at a time; removes the store.

    Args:
        store: Holds the vectors.
        path: The file, replaced only by a whole one.
    """
    import pyarrow
    from pyarrow import parquet

    spec, notes = store.specs[VECTORS], store.notes
    paths, labels = notes.pop("paths"), notes.pop("labels")
    element = pyarrow.from_numpy_dtype(spec.type)
    fields = [pyarrow.field(VECTORS, pyarrow.list_(element, spec.shape[0]))]
    if labels is not None:
        fields.insert(0, pyarrow.field("label", pyarrow.string()))
        labels = [notes["class_names"][label] for label in labels]
    if paths is not None:
        fields.insert(0, pyarrow.field("path", pyarrow.string()))
        # Parquet holds UTF-8, which names of files need not be.
        paths = [p.encode(errors="backslashreplace").decode() for p in paths]
    record = {
        "fingerprint": store.fingerprint,
        "shape": list(spec.shape),
        "dtype": spec.dtype,
        "notes": notes,
    }
    schema = pyarrow.schema(fields, {_KEY: json.dumps(record)})
    step = max(1, _ROW_GROUP // spec.row_bytes)
    with (
        replacing(path) as temporary,
        parquet.ParquetWriter(temporary, schema) as writer,
    ):
        for start in range(0, len(store), step):
            rows = store.read(slice(start, start + step), VECTORS)
            columns = {
                "path": paths and paths[start : start + step],
                "label": labels and labels[start : start + step],
                VECTORS: pyarrow.FixedSizeListArray.from_arrays(
                    pyarrow.array(rows.reshape(-1)), spec.shape[0]
                ),
            }
            writer.write_table(
                pyarrow.table(
                    {name: columns[name] for name in schema.names},
                    schema=schema,
                )
            )
    remove_store(store.folder)
    store.folder.rmdir()
    return load_parquet(path)


def _metadata(path):
    from pyarrow import lib
    from pyarrow import parquet

    if not path.exists():
        raise ValueError(f"There is no file {os.fspath(path)!r}.")
    try:
        metadata = parquet.read_schema(path).metadata or {}
    except lib.ArrowInvalid as error:
        raise ValueError(
            f"{os.fspath(path)!r} is damaged or no Parquet file. Delete it or "
            "choose another name."
        ) from error
    if _KEY not in metadata:
        raise ValueError(
            f"{os.fspath(path)!r} was not written by `embed`. Choose another "
            "name."
        )
    return json.loads(metadata[_KEY])
