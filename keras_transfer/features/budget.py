"""Where the features of a training are kept, and how much room there is."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import keras
import psutil
from rich import filesize

_DTYPES = (None, "float32", "float16", "bfloat16")
_NAMES = ("auto", "memory")
# More likely meant as options than as folders of that name.
_NO_FOLDERS = ("", "disk", "false", "no", "none", "off", "on", "true", "yes")
_SHARE_OF_FREE_MEMORY = 0.5
# A temporary folder leaves half of the disk to others.
_SHARE_OF_FREE_DISK = 0.5


def free_budget() -> int:
    """Returns the bytes that a cache in memory may take."""
    return int(_SHARE_OF_FREE_MEMORY * psutil.virtual_memory().available)


@dataclasses.dataclass(frozen=True)
class Room:
    """Where features may be kept, and how many bytes.

    Args:
        memory: Bytes in memory.
        folder: A folder on disk; `None` for none. Defaults to `None`.
        share: Share of the free disk that may be taken. Defaults to 1.
        dtype: Type to keep features in. Defaults to `None`: their own.
    """

    memory: int
    folder: pathlib.Path | None = None
    share: float = 1.0
    dtype: str | None = None

    def fits(self, size: int) -> bool:
        """Whether so many bytes may be kept."""
        return size <= self.memory or size <= self.disk

    def folder_for(self, size: int) -> pathlib.Path | None:
        """Returns the folder for so many bytes; `None` for memory."""
        return None if size <= self.memory else self.folder

    @property
    def disk(self) -> int:
        """Free bytes on disk, and those of features already in the folder."""
        if self.folder is None:
            return 0
        existing = self.folder.absolute()
        while not existing.exists():
            existing = existing.parent
        inside = sum(path.stat().st_size for path in self.folder.rglob("*.npy"))
        return inside + int(self.share * shutil.disk_usage(existing).free)

    def __str__(self):
        places = []
        if self.memory:
            memory = filesize.decimal(self.memory)
            places.append(f"half of the free memory is {memory}")
        if self.folder is not None:
            disk = filesize.decimal(self.disk)
            places.append(f"{disk} are free for it in '{self.folder}'")
        return " and ".join(places)


@contextlib.contextmanager
def room_for(
    cache: str | os.PathLike, dtype: str | None, model: keras.Model
) -> Iterator[Room]:
    """Yields where features may be kept; removes a temporary folder at the end.

    Args:
        cache: `"auto"`, `"memory"` or a folder.
        dtype: Type to keep features in.
        model: The model.
    """
    if cache == "memory":
        yield Room(free_budget(), dtype=dtype)
    elif cache != "auto":
        yield Room(0, pathlib.Path(cache).expanduser(), dtype=dtype)
    elif getattr(model, "jit_compile", False):  # XLA reads no files.
        yield Room(free_budget(), None, _SHARE_OF_FREE_DISK, dtype)
    else:
        with tempfile.TemporaryDirectory(prefix="keras_transfer-") as name:
            folder = pathlib.Path(name)
            yield Room(free_budget(), folder, _SHARE_OF_FREE_DISK, dtype)


def check_cache(cache: Any, dtype: str | None) -> None:
    """Raises for a `cache` or `cache_dtype` that `fit` does not take.

    Raises:
        ValueError: For another `cache` or `dtype` than `fit` takes.
    """
    check_dtype(dtype)
    is_path = isinstance(cache, str | os.PathLike)
    name = os.fspath(cache).lower() if is_path else ""
    misspelt = name in (*_NO_FOLDERS, *_NAMES) and cache not in _NAMES
    if cache is not False and (not is_path or misspelt):
        raise ValueError(
            f"`cache` must be one of {[*_NAMES, False]}, or a folder such as "
            f"'./features'. Received: {cache!r}."
        )


def check_dtype(dtype: str | None) -> None:
    """Raises for a type in which features cannot be kept.

    Raises:
        ValueError: With those there are.
    """
    if dtype not in _DTYPES:
        raise ValueError(
            f"Features can be kept as one of {list(_DTYPES)}. Received: "
            f"{dtype!r}"
        )
