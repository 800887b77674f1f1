"""Archives unpacked without trust in what they say."""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from pathlib import PurePosixPath

# Images hardly shrink in an archive: one that grows more is no image archive.
_GROWTH = 20
_ALWAYS = 64 << 20


def extract(archive: Path, folder: Path, member: str = "") -> None:
    """Unpacks the files below one folder of a zip or tar archive.

    Args:
        archive: A `.zip`, `.tar`, `.tgz` or `.tar.gz` file.
        folder: Where the files go; made if need be.
        member: Folder within the archive whose files are wanted, itself left
            out of their paths. Defaults to the whole archive.

    Raises:
        ValueError: The archive is damaged, would write outside the folder,
            holds links or devices, or unpacks to over 20 times its size; or
            it holds nothing below `member`.
    """
    allowed = max(_ALWAYS, _GROWTH * archive.stat().st_size)
    base = PurePosixPath(member)
    found = False
    try:
        for name, size, open_member in _members(archive):
            path = _checked(archive, name)
            allowed -= size
            if allowed < 0:
                raise ValueError(
                    f"The archive {archive} unpacks to over {_GROWTH} times "
                    "its size; images do not, so it is not unpacked."
                )
            if not path.is_relative_to(base):
                continue
            target = folder / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member() as source, open(target, "xb") as file:
                shutil.copyfileobj(source, file)
            found = True
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        FileExistsError,
        RuntimeError,  # zipfile's, for encryption or an unknown compression
    ) as error:
        raise ValueError(
            f"The archive {archive} is damaged ({error}); delete it to have "
            "it fetched again."
        ) from error
    if not found:
        raise ValueError(
            f"The archive {archive} holds no file below {member or '.'!r}."
        )


def _members(archive: Path) -> Iterator[tuple]:
    """Yields name, size, opener of each file; raises for links or devices."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                if stat.S_ISLNK(info.external_attr >> 16):
                    raise ValueError(_no_file(archive, info.filename))
                if not info.is_dir():
                    yield (
                        info.filename,
                        info.file_size,
                        lambda info=info: file.open(info),
                    )
        return
    with tarfile.open(archive) as file:
        for info in file:
            if not info.isfile() and not info.isdir():
                raise ValueError(_no_file(archive, info.name))
            if info.isfile():
                yield (
                    info.name,
                    info.size,
                    lambda info=info: file.extractfile(info),
                )


def _checked(archive, name):
    # Backslashes or colons mean something to Windows only.
    path = PurePosixPath(name.replace("\\", "/"))
    is_inside = path.parts and ".." not in path.parts
    if not is_inside or path.is_absolute() or ":" in path.parts[0]:
        raise ValueError(
            f"The archive {archive} would write outside its folder "
            f"({name!r}); it is not unpacked."
        )
    return path


def _no_file(archive, name):
    return (
        f"The archive {archive} holds a link or device ({name!r}); it is not "
        "unpacked."
    )
