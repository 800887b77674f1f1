"""Which kind of file something is, told from its name and first bytes."""

import os
import pathlib

from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import ModelFileError

_ZIP = b"PK"
HDF5 = b"\x89HDF\r\n\x1a\n"


def check_kind(path: str | os.PathLike) -> None:
    """Raises unless a path leads to a `.keras` archive or a folder.

    Args:
        path: What somebody calls a model file.

    Raises:
        ModelFileError: If it is an HDF5 file, or no archive.
        ValueError: If there is nothing.
    """
    path = pathlib.Path(path)
    file = os.fspath(path)
    if path.is_dir():
        return
    if not path.is_file() and path.suffix not in (".h5", ".hdf5"):
        raise ValueError(f"There is no model file {file!r}.")
    start = b""
    if path.is_file():
        with open(path, "rb") as opened:
            start = opened.read(len(HDF5))
    if path.suffix in (".h5", ".hdf5") or start == HDF5:
        raise ModelFileError(
            "is an HDF5 file, whose weights Keras assigns wrongly when some "
            "layers are frozen.",
            f"Run `keras-transfer convert {file} {path.stem}.keras` and load "
            "that.",
            file,
        )
    if not start.startswith(_ZIP):
        raise ModelFileError(
            "is damaged, truncated or no .keras archive.", DAMAGED, file
        )
