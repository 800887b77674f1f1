"""What a model file is from the outside: its kind, and its members."""

import os
import pathlib
import re
import stat
import zipfile

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
REQUIRED = (CONFIG, METADATA, WEIGHTS)
# What `kt.export` says of a model of stock layers.
DESCRIPTION = "keras_transfer.json"

# Vocabularies lie under the path of their layer. No separator of another
# system, no drive, no control character.
_ASSET = re.compile(r"assets(/[^/\\:\x00-\x1f]+)+/?")
_ZIP = b"PK"
HDF5 = b"\x89HDF\r\n\x1a\n"
_EXTENTS = 1000  # of one file, looked at one by one
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


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
    try:
        # A pipe is not opened, which would wait for somebody to write.
        mode = os.stat(path).st_mode
        start = b""
        if stat.S_ISREG(mode):
            with open(path, "rb") as opened:
                start = opened.read(len(HDF5))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        if path.suffix not in (".h5", ".hdf5"):
            raise ValueError(f"There is no model file {file!r}.") from None
        mode, start = stat.S_IFREG, HDF5
    except OSError as error:
        raise ModelFileError(
            f"cannot be read: {error.strerror}.",
            "Look at the permissions and at the disk.",
            file,
        ) from error
    if stat.S_ISDIR(mode):
        return
    if not stat.S_ISREG(mode):
        raise ModelFileError(
            f"is {_kind(mode)}; expected a file or a folder.",
            "Name a `.keras` file.",
            file,
        )
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


def check_file(path: pathlib.Path, name: str) -> None:
    """Raises unless something is a file, and as large as it says.

    Args:
        path: Where it lies.
        name: What it is called, for the message.

    Raises:
        ModelFileError: For links and pipes, and for files made of holes.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError(
            f"holds {name[:80]!r} as {_kind(status.st_mode)}.", UNUSUAL
        )
    _check_expansion(name, _stored_bytes(path, status), status.st_size)


def _stored_bytes(path, status):
    """Bytes of a file that are on disk, and no holes that read as zeros."""
    size = status.st_size
    blocks = getattr(status, "st_blocks", None)
    if blocks is None or blocks * 512 >= size or not hasattr(os, "SEEK_HOLE"):
        return size
    # Some file systems count blocks late, or after they compressed them.
    stored = end = 0
    with open(path, "rb") as file:
        for _ in range(_EXTENTS):
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # Nothing but holes from here on.
                return stored
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            stored += end - start
    return stored + size - end


def _kind(mode):
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def check_members(infos: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    """Raises unless the members are those that Keras writes.

    Args:
        infos: What the archive says of its members.
        archive_bytes: Size of the whole archive.

    Raises:
        ModelFileError: For an unknown, repeated, linked, encrypted, bloated or
            missing member.
    """
    if len(infos) > limits.MEMBERS:
        raise ModelFileError(
            f"has {len(infos)} members; expected {limits.MEMBERS} at most.",
            UNUSUAL,
        )
    names = [info.filename for info in infos]
    for info in infos:
        check_name(info.filename)
        _check_entry(info)
        if not 0 <= info.header_offset < archive_bytes:
            raise ModelFileError(
                f"places {info.filename!r} outside of itself.", DAMAGED
            )
    seen: set[str] = set()
    for name in names:
        # Some systems do not tell these apart when they unpack.
        if name.casefold() in seen:
            raise ModelFileError(f"holds {name!r} twice.", UNUSUAL)
        seen.add(name.casefold())
    for name in seen:
        parent = name.rstrip("/").rpartition("/")[0]
        while parent:
            if parent in seen:
                raise ModelFileError(
                    f"holds {parent[:80]!r} as a file and as a folder.", UNUSUAL
                )
            parent = parent.rpartition("/")[0]
    check_complete(names)
    if sum(info.compress_size for info in infos) > archive_bytes:
        raise ModelFileError("stores members one in another.", UNUSUAL)
    total = sum(info.file_size for info in infos)
    if total > limits.EXPANSION * (archive_bytes + limits.EXPANSION_FLOOR):
        raise ModelFileError(
            f"would unpack {archive_bytes} bytes to {total}.", UNUSUAL
        )


def check_name(name: str) -> None:
    """Raises unless a member may have this name.

    Raises:
        ModelFileError: For any other than Keras and `kt.export` write.
    """
    parts = name.rstrip("/").split("/")
    is_file = name in (*REQUIRED, DESCRIPTION)
    is_allowed = is_file or _ASSET.fullmatch(name)
    is_long = len(name) > limits.NAME_LENGTH or any(
        len(os.fsencode(part)) > limits.FILE_NAME_BYTES for part in parts
    )
    if not is_allowed or is_long or {".", ".."} & set(parts):
        raise ModelFileError(
            f"holds the member {name[:80]!r}; expected {', '.join(REQUIRED)} "
            "and files under assets/.",
            UNUSUAL,
        )


def check_complete(names: list[str]) -> None:
    """Raises unless the three members that every model has are there.

    Raises:
        ModelFileError: If one is missing.
    """
    for name in REQUIRED:
        if name not in names:
            raise ModelFileError(f"has no {name}.", DAMAGED)


def _check_entry(info):
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFileError(
            f"holds {info.filename!r} as a link or device.", UNUSUAL
        )
    if info.flag_bits & 1:
        raise ModelFileError(f"holds {info.filename!r} encrypted.", UNUSUAL)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(
            f"holds {info.filename!r} in compression {info.compress_type}; "
            "expected none or deflate.",
            "Save it again with `model.save`.",
        )
    _check_expansion(info.filename, info.compress_size, info.file_size)


def _check_expansion(name, stored, size):
    if size > limits.EXPANSION * stored + limits.EXPANSION_FLOOR:
        raise ModelFileError(
            f"holds {stored} bytes in {name[:80]!r} that would unpack to "
            f"{size}.",
            UNUSUAL,
        )
    if name in (CONFIG, METADATA, DESCRIPTION) and size > limits.JSON_BYTES:
        raise ModelFileError(
            f"holds a {name} of {size} bytes; expected {limits.JSON_BYTES} at "
            "most.",
            UNUSUAL,
        )
