"""Where the features of a training are kept, by what `fit` was asked."""

import contextlib
import os
import pathlib
import tempfile
from typing import Any

import keras

from keras_transfer.features.budget import Room
from keras_transfer.features.budget import free_budget
from keras_transfer.features.cache import check_dtype

_NAMES = ("auto", "memory")
# More likely meant as an option than as a folder of that name.
_NO_FOLDERS = ("", "disk", "false", "no", "none", "off", "on", "true", "yes")
# A temporary folder leaves others their room.
_SHARE_OF_FREE_DISK = 0.5


def check_cache(cache: Any, dtype: str | None) -> None:
    """Refuses what names no place to keep features.

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


def room_for(
    cache: str | os.PathLike,
    dtype: str | None,
    model: keras.Model,
    stack: contextlib.ExitStack,
) -> Room:
    """Returns where features may be kept.

    Args:
        cache: `"auto"`, `"memory"` or a folder.
        dtype: Type to keep features in.
        model: The model.
        stack: Removes a temporary folder in the end.
    """
    if cache == "memory":
        return Room(free_budget(), dtype=dtype)
    if cache != "auto":
        return Room(0, pathlib.Path(cache).expanduser(), dtype=dtype)
    folder = None
    if not getattr(model, "jit_compile", False):  # XLA reads no files.
        name = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="keras_transfer-")
        )
        folder = pathlib.Path(name)
    return Room(free_budget(), folder, _SHARE_OF_FREE_DISK, dtype)
