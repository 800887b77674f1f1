"""A model file made safe to read: checked, then unpacked where nobody writes.

What was checked is what is loaded. The file is opened once; its members are
unpacked to a private folder, and the configuration is written there anew from
what was parsed. What happens to the file meanwhile has no effect.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from keras_transfer.files.checksums import file_sha256
from keras_transfer.files.whole_files import private_folder
from keras_transfer.saving.archive import configuration
from keras_transfer.saving.archive import keras_2
from keras_transfer.saving.archive import members
from keras_transfer.saving.archive import sources
from keras_transfer.saving.archive import stock_objects
from keras_transfer.saving.archive import tensors
from keras_transfer.saving.archive import versions
from keras_transfer.saving.archive.declared import check_declared
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError
from keras_transfer.saving.archive.json_text import parse

# What `zipfile` raises for archives that it cannot make sense of.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclasses.dataclass(frozen=True)
class Contents:
    """A checked model file.

    Args:
        folder: A private folder that Keras loads like the file; it goes when
            the block that opened it ends.
        config: What `config.json` holds.
        metadata: What `metadata.json` holds.
        found: What the configuration is made of.
        tensors: What the weights file holds.
    """

    folder: pathlib.Path
    config: dict[str, Any]
    metadata: dict[str, Any]
    found: configuration.Found
    tensors: tensors.Tensors

    def check_finite(self) -> None:
        """Raises when a weight of the model is NaN or infinite."""
        # State of the optimizer may be, after a training that went wrong and
        # was brought back to its best weights.
        names = [
            n for n in self.tensors.by_name if not n.startswith("optimizer/")
        ]
        tensors.check_finite(self.folder / members.WEIGHTS, names)


@contextlib.contextmanager
def checked(
    path: str | os.PathLike,
    is_known: Callable[[str], bool],
    sha256: str | None = None,
) -> Iterator[Contents]:
    """Checks a model file and unpacks it for the time of a block.

    Args:
        path: A `.keras` file, or a folder that holds what such a file holds.
        is_known: Whether a registered name, `package>Name`, can be provided;
            names that cannot are listed as missing, which is no error here.
        sha256: The digest that the file must have. Defaults to `None`: any.

    Raises:
        ModelFileError: If the file is damaged, hostile or another one.
    """
    with private_folder() as folder:
        with _told(path):
            contents = _unpack(path, folder, sha256, _read, is_known)
        yield contents


@contextlib.contextmanager
def checked_weights(
    path: str | os.PathLike,
) -> Iterator[tuple[pathlib.Path, tensors.Tensors]]:
    """Unpacks the weights of a model file for the time of a block.

    Nothing else of the file is read.

    Args:
        path: A `.keras` file.

    Raises:
        ModelFileError: If the file is damaged or hostile.
    """
    with private_folder() as folder:
        with _told(path):
            weights = _unpack(path, folder, None, _read_weights)
        yield weights


@contextlib.contextmanager
def _told(path):
    """Lets every error say which file it is about."""
    file = os.fspath(path)
    try:
        yield
    except ModelFileError as error:
        raise error.of(file) from error.__cause__
    except _UNREADABLE as error:
        raise ModelFileError(
            f"is damaged, truncated or no .keras archive ({error}).",
            DAMAGED,
            file,
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"cannot be read or unpacked: {error.strerror or error}.",
            "Look at the permissions, and at the space on the disk.",
            file,
        ) from error
    except MemoryError as error:
        raise ModelFileError(
            "takes more memory than there is.", UNUSUAL, file
        ) from error


def _unpack(path, private, sha256, read, *options):
    path = pathlib.Path(path)
    folder = private / "model"
    folder.mkdir()
    if path.is_dir():
        _refuse_digest_of_folder(sha256)
        return read(sources.FolderSource(path), folder, *options)
    members.check_file(path.resolve(), path.name)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        if sha256 is not None:
            file = _copy(file, private / "archive", sha256)
            stack.enter_context(file)
        archive = stack.enter_context(zipfile.ZipFile(file))
        size = os.fstat(file.fileno()).st_size
        members.check_members(archive.infolist(), size)
        return read(sources.ArchiveSource(archive), folder, *options)


def _read(source, folder, is_known):
    # The cheap and telling members first: hostile files end here.
    metadata = parse(source.read(members.METADATA), members.METADATA)
    config = parse(source.read(members.CONFIG), members.CONFIG)
    written = versions.written_by(metadata)
    stock_objects.on_every_backend(config.get("compile_config"))
    if written.startswith("2."):
        config = keras_2.translated(config)
    found = configuration.examine(config, is_known, written=written)
    for name in source.names:
        if name == members.DESCRIPTION:
            parse(source.read(name), name)  # Keras has no use for it.
        elif name not in (members.CONFIG, members.METADATA):
            source.unpack(name, folder / name)
    stored = tensors.scan(folder / members.WEIGHTS)
    check_declared(config, found, stored)
    for name, value in (
        (members.CONFIG, config),
        (members.METADATA, metadata),
    ):
        (folder / name).write_text(json.dumps(value))
    return Contents(folder, config, metadata, found, stored)


def _read_weights(source, folder):
    path = folder / members.WEIGHTS
    source.unpack(members.WEIGHTS, path)
    return path, tensors.scan(path)


def _copy(file, target, sha256):
    """Copies a file, so that what is hashed is what is read afterwards."""
    with open(target, "xb") as out:
        shutil.copyfileobj(file, out, 1 << 20)
    received = file_sha256(target)
    if received != sha256.strip().lower():
        raise ModelFileError(
            f"has the sha256 {received}; expected {sha256}.",
            "It is another file than was meant, or was changed on its way: "
            "fetch it again.",
        )
    return open(target, "rb")


def _refuse_digest_of_folder(sha256):
    if sha256 is not None:
        raise ModelFileError(
            "is a folder, which has no sha256.",
            "Save it as one file with `model.save`.",
        )
