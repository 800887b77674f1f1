"""How much is kept, and what is kept where features are too large for that."""

import dataclasses
import pathlib
import shutil
from collections.abc import Sequence

import keras
import psutil
from rich import filesize

from keras_transfer.features import boundary
from keras_transfer.features.boundary import Split
from keras_transfer.features.row_specs import specs_of
from keras_transfer.features.rows import Rows
from keras_transfer.features.trial import computes_the_same
from keras_transfer.structure.graph import FlatModel

_SHARE_OF_FREE_MEMORY = 0.5


def free_budget() -> int:
    """Returns the bytes that a cache in memory may take."""
    return int(_SHARE_OF_FREE_MEMORY * psutil.virtual_memory().available)


@dataclasses.dataclass(frozen=True)
class Room:
    """Where features may be kept, and how much of them.

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
        """Returns where so many bytes go; `None` for memory."""
        return None if size <= self.memory else self.folder

    @property
    def disk(self) -> int:
        """Bytes on disk, with those that lie in the folder already."""
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
            places.append(f"half of the free memory is {_size(self.memory)}")
        if self.folder is not None:
            places.append(
                f"{_size(self.disk)} are free for it in '{self.folder}'"
            )
        return " and ".join(places)


def choose(
    model: keras.Model, flat: FlatModel, sources: Sequence[Rows], room: Room
) -> Split:
    """Returns the cut at the freeze boundary, or one before everything.

    The features of a low layer can be larger than the images they come from.
    Then the images are kept, and each step computes all of the model; so too
    where a layer turns out to be random although it does not look like it.

    Args:
        model: The model.
        flat: The same as a list of steps.
        sources: The data.
        room: Where they may be kept.

    Raises:
        ValueError: If neither features nor images fit, or a size is open.
    """
    split = boundary.divide(flat)
    features = size_of(split, sources, room.dtype)
    if (
        split.computes_something
        and room.fits(features)
        and computes_the_same(model, split, sources[0])
    ):
        return split
    whole = boundary.uncut(flat)
    if room.fits(size_of(whole, sources)):
        return whole
    num_rows = sum(source.num_rows for source in sources)
    raise ValueError(
        f"what the frozen layers make of {num_rows} rows takes "
        f"{_size(features)}, the rows themselves "
        f"{_size(size_of(whole, sources))}, and {room}"
    )


def size_of(
    split: Split, sources: Sequence[Rows], dtype: str | None = None
) -> int:
    """Returns the bytes of what crosses a boundary for all rows.

    Args:
        split: A model in two parts.
        sources: The data.
        dtype: Type to keep features in; `None` for their own.

    Raises:
        ValueError: If a size is open.
    """
    num_rows = sum(source.num_rows for source in sources)
    specs = specs_of(split, sources, dtype)
    return num_rows * sum(spec.row_bytes for spec in specs.values())


def _size(count):
    return filesize.decimal(count)
