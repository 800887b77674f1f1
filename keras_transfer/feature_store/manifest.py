"""The record of a feature store: what it holds and what it was made from."""

import dataclasses
import json
import os
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.files.whole_files import replacing

NAME = "manifest.json"
# Beside it: notes about the rows, written once.
NOTES = "notes.json"
FORMAT = "keras_transfer features"
SCHEMA = 1


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a store holds and how many rows are done.

    Args:
        arrays: The arrays by name.
        files: Name of each array's file in the folder.
        rows: Number of rows in all; `None` while it is unknown.
        rows_done: Number of rows that are on disk.
        complete: Whether all rows are there.
        fingerprint: What the rows were made from; see `explain_change`.
    """

    arrays: dict[str, ArraySpec]
    files: dict[str, str]
    rows: int | None
    rows_done: int
    complete: bool
    fingerprint: dict[str, Any]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of all arrays."""
        return sum(spec.row_bytes for spec in self.arrays.values())


def write_manifest(folder: pathlib.Path, manifest: Manifest) -> None:
    """Replaces the record in a folder atomically."""
    arrays = {
        name: {
            "file": manifest.files[name],
            "dtype": spec.dtype,
            "stored_as": spec.stored.name,
            "shape": list(spec.shape),
        }
        for name, spec in manifest.arrays.items()
    }
    record = {
        "format": FORMAT,
        "schema": SCHEMA,
        "arrays": arrays,
        "rows": manifest.rows,
        "rows_done": manifest.rows_done,
        "complete": manifest.complete,
        "fingerprint": manifest.fingerprint,
    }
    with replacing(folder / NAME) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n")


def read_manifest(folder: str | os.PathLike) -> Manifest | None:
    """Returns the record in a folder, or `None` where there is none.

    Raises:
        ValueError: If the record is damaged, of another program or of a later
            version.
    """
    path = pathlib.Path(folder) / NAME
    try:
        text = path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        record = json.loads(text)
        known = record["format"], record["schema"]
        if known == (FORMAT, SCHEMA):
            return _manifest(record)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is damaged or not the record of a feature "
            "store. Delete the folder or choose another."
        ) from error
    raise ValueError(
        f"{os.fspath(path)!r} is of the format {known}; this version reads "
        f"{(FORMAT, SCHEMA)}. Delete the folder or choose another."
    )


def read_notes(folder: str | os.PathLike) -> dict[str, Any]:
    """Returns the notes of a store; an empty dictionary where there are none.

    Raises:
        ValueError: If they are damaged.
    """
    path = pathlib.Path(folder) / NOTES
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is damaged. Delete the folder or choose "
            "another."
        ) from error


def _manifest(record):
    arrays, files = {}, {}
    for name, array in record["arrays"].items():
        arrays[name] = ArraySpec(tuple(array["shape"]), array["dtype"])
        files[name] = os.path.basename(array["file"])
    return Manifest(
        arrays=arrays,
        files=files,
        rows=record["rows"],
        rows_done=int(record["rows_done"]),
        complete=bool(record["complete"]),
        fingerprint=dict(record["fingerprint"]),
    )


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Returns a file name for each array; layer names may contain slashes.

    Example:
    >>> file_names(["labels", "backbone/conv_1"])
    {'labels': 'labels.npy', 'backbone/conv_1': 'backbone-conv_1.npy'}
    """
    files = {}
    for name in names:
        stem = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "array"
        taken = {file.lower() for file in files.values()}
        file, number = f"{stem}.npy", 2
        while file.lower() in taken:
            file, number = f"{stem}-{number}.npy", number + 1
        files[name] = file
    return files


class StaleFeaturesError(ValueError):
    """Stored features were computed from other weights, data or options."""

    __module__ = "keras_transfer"  # Its public place, for tracebacks.


def explain_change(
    stored: Mapping[str, Any], current: Mapping[str, Any]
) -> str:
    """Returns what differs between two fingerprints, or an empty string.

    A fingerprint maps what features are made from (`"weights"`, `"graph"`,
    `"data"`, `"options"`) to a digest, or to a dictionary of small values.
    Values that differ are named, except for those of the key `"digest"`.

    Args:
        stored: The fingerprint of what is stored.
        current: The fingerprint of what is wanted.

    Example:
    >>> explain_change(
    ...     {"weights": "1f", "options": {"pooling": "avg"}},
    ...     {"weights": "2e", "options": {"pooling": "max"}})
    "other weights; other options (pooling was 'avg', is now 'max')"
    """
    changes = []
    for part in dict.fromkeys([*stored, *current]):
        before, after = stored.get(part), current.get(part)
        if before != after:
            changes.append(f"other {part}{_details(before, after)}")
    return "; ".join(changes)


def check_fresh(
    folder: str | os.PathLike,
    stored: Mapping[str, Any],
    current: Mapping[str, Any],
) -> None:
    """Raises if stored features were made from something else.

    Raises:
        StaleFeaturesError: It says what has changed.
    """
    change = explain_change(stored, current)
    if change:
        raise StaleFeaturesError(
            f"The features in {os.fspath(folder)!r} were made from something "
            f"else: {change}. Pass rebuild=True to compute them anew, or "
            "choose another folder."
        )


def _details(before, after):
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    changes = [
        f"{key} was {before.get(key)!r}, is now {after.get(key)!r}"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key) and key != "digest"
    ]
    return f" ({', '.join(changes)})" if changes else ""
