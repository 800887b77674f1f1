"""The folder of a store: created, or found to hold the same store."""

import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from rich import filesize

from keras_transfer.feature_store.manifest import NAME
from keras_transfer.feature_store.manifest import NOTES
from keras_transfer.feature_store.manifest import Manifest
from keras_transfer.feature_store.manifest import check_fresh
from keras_transfer.feature_store.manifest import read_manifest
from keras_transfer.feature_store.manifest import write_manifest
from keras_transfer.feature_store.store import check_size
from keras_transfer.files.whole_files import replacing


def begin_store(
    folder: pathlib.Path,
    manifest: Manifest,
    notes: Mapping[str, Any],
    rebuild: bool,
) -> None:
    """Creates the folder of a new store, with its record.

    Args:
        folder: It does not exist, is empty, or holds a store to be replaced.
        manifest: What the store will hold.
        notes: Notes about its rows.
        rebuild: Whether an old store is removed.

    Raises:
        ValueError: The folder cannot be written, holds something else, or
            lies on a full disk.
    """
    if rebuild and (folder / NAME).exists():
        remove_store(folder)
    check_new_folder(folder, manifest.row_bytes * (manifest.rows or 0))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / NOTES) as temporary:
            temporary.write_text(json.dumps(notes, indent=1) + "\n")
        write_manifest(folder, manifest)
    except OSError as error:
        raise ValueError(explain_unwritable(folder, error)) from error


def check_new_folder(folder: pathlib.Path, needed: int) -> None:
    """Raises if a new store cannot be started.

    Args:
        folder: It does not exist or is empty.
        needed: Bytes of all its rows.

    Raises:
        ValueError: The folder holds something else, or lies on a disk without
            room.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"Cannot write to {os.fspath(folder)!r}: it is a file. Name a "
            "folder."
        )
    inside = folder.iterdir() if folder.exists() else ()
    others = sorted(
        path.name
        for path in inside
        if path.name[0] != "." and path.name != NOTES
    )
    if others:
        raise ValueError(
            f"The folder {os.fspath(folder)!r} is no feature store and holds "
            f"{others[0]!r}. Name a new or an empty folder."
        )
    check_disk_space(folder, needed)


def check_same_store(
    folder: pathlib.Path, found: Manifest, wanted: Manifest
) -> None:
    """Raises if a folder holds another store than the one to be written.

    Args:
        folder: Where it is.
        found: What it holds.
        wanted: What is to be written.

    Raises:
        StaleFeaturesError: It says what has changed.
        ValueError: Rows are missing, or the disk is too full for the rest.
    """
    check_fresh(
        folder,
        {**found.fingerprint, "arrays": _described(found, wanted)},
        {**wanted.fingerprint, "arrays": _described(wanted, found)},
    )
    if found.rows_done:
        for name, spec in found.arrays.items():
            check_size(folder / found.files[name], spec, found.rows_done)
    missing = (found.rows or found.rows_done) - found.rows_done
    check_disk_space(folder, found.row_bytes * missing)


def remove_store(folder: pathlib.Path) -> None:
    """Removes the files of a store, and nothing else."""
    try:
        files = read_manifest(folder).files.values()
    except ValueError:
        files = ()  # A damaged record; `check_new_folder` names what it leaves.
    for file in (NAME, NOTES, *files):
        (folder / file).unlink(missing_ok=True)


def explain_unwritable(path: os.PathLike, error: OSError) -> str:
    """Returns the message for a place that cannot be written to."""
    return (
        f"Cannot write to {os.fspath(path)!r}: {error.strerror}. Choose "
        "another folder."
    )


def _described(manifest, other):
    described = {
        name: f"{spec.shape} {spec.dtype}"
        for name, spec in manifest.arrays.items()
    }
    # An unknown number of rows becomes known once all are there.
    if None not in (manifest.rows, other.rows):
        described["rows"] = manifest.rows
    return described


def check_disk_space(folder: str | os.PathLike, needed: int) -> None:
    """Raises if a disk has less free space than needed.

    Args:
        folder: Where it will be written; need not exist yet.
        needed: Bytes.

    Raises:
        ValueError: With both figures.

    Example:
    >>> check_disk_space(".", needed=1000)
    """
    existing = pathlib.Path(folder).absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise ValueError(
            f"{filesize.decimal(needed)} are to be written to "
            f"{os.fspath(folder)!r}, where {filesize.decimal(free)} are free. "
            "Make room, choose another disk, a narrower dtype such as "
            "'float16', or features of fewer values."
        )
