"""Where the members of a model file are read from."""

import os
import pathlib
import shutil
import zipfile

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import members
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError


class ArchiveSource:
    """The members of an archive.

    Args:
        archive: An archive whose members have been checked.
    """

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        self.names = [n for n in archive.namelist() if not n.endswith("/")]

    def read(self, name: str) -> bytes:
        """Returns what a member holds."""
        return self._archive.read(name)

    def unpack(self, name: str, target: pathlib.Path) -> None:
        """Writes a member to a new file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        # Reading to the end compares the checksum.
        with self._archive.open(name) as member, open(target, "xb") as out:
            shutil.copyfileobj(member, out, 1 << 20)


class FolderSource:
    """The files of a folder that holds what an archive would.

    Args:
        root: The folder.

    Raises:
        ModelFileError: For other files than those of a model.
    """

    def __init__(self, root: pathlib.Path):
        self._root = root
        self.names = []
        seen = 0
        for place, folders, files in os.walk(root, onerror=_raise):
            seen += len(folders) + len(files)
            if seen > limits.MEMBERS:
                raise ModelFileError(
                    f"holds more than {limits.MEMBERS} files.", UNUSUAL
                )
            for name in folders:
                if os.path.islink(os.path.join(place, name)):
                    raise ModelFileError(f"holds the link {name!r}.", UNUSUAL)
            for name in files:
                path = pathlib.Path(place, name)
                item = path.relative_to(root).as_posix()
                members.check_name(item)
                members.check_file(path, item)
                self.names.append(item)
        members.check_complete(self.names)

    def read(self, name: str) -> bytes:
        """Returns what a member holds."""
        return (self._root / name).read_bytes()

    def unpack(self, name: str, target: pathlib.Path) -> None:
        """Writes a member to a new file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._root / name, target)


def _raise(error):
    raise error
