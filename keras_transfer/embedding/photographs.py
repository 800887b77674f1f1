"""Photographs in files, as rows to be embedded."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_transfer.data.decoded import decoded_ahead
from keras_transfer.data.folder_names import is_exact
from keras_transfer.data.images import RESIZING
from keras_transfer.data.images import decode
from keras_transfer.data.listing import find_images
from keras_transfer.feature_store.fingerprint import fingerprint_files


@dataclasses.dataclass(frozen=True)
class Photographs:
    """Image files, opened when their batch is due.

    Args:
        paths: The files, in the order of the rows.
        labels: Class number of each file, or `None`.
        class_names: Names of the classes, or `None`.
        root: The folder that was named, or `None`.
        unread: Photographs of the folder whose format is not read, each with
            the reason.
    """

    paths: tuple[pathlib.Path, ...]
    labels: tuple[int, ...] | None = None
    class_names: tuple[str, ...] | None = None
    root: pathlib.Path | None = None
    unread: Mapping[pathlib.Path, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def below(cls, folder: str | os.PathLike) -> "Photographs":
        """Returns the photographs at any depth of a folder.

        Those of class folders are labelled, whether these lie in it or in
        folders named `train`, `val` or `test`.

        Raises:
            ValueError: There is no such folder, or no image in it.
        """
        root = pathlib.Path(folder)
        images, unread = find_images(root)
        paths = tuple(images)
        if not root.is_dir():
            return cls(paths)
        folders = [_class_of(path.relative_to(root)) for path in paths]
        if None in folders:
            return cls(paths, root=root, unread=unread)
        names = tuple(sorted(set(folders)))
        labels = tuple(map(names.index, folders))
        return cls(paths, labels, names, root, unread)

    def __len__(self):
        return len(self.paths)

    def fingerprint(self) -> dict[str, Any]:
        """Returns what tells these files from others, or from changed ones."""
        return {
            **fingerprint_files(self.paths, self.root),
            "resizing": RESIZING,
        }

    def names(self) -> list[str]:
        """Returns the names of the files within the folder."""
        if self.root is None:
            return [os.fspath(path) for path in self.paths]
        return [os.path.relpath(path, self.root) for path in self.paths]

    def without(self, left_out: Mapping[str, str]) -> "Photographs":
        """Returns the same photographs but for some, given by name."""
        kept = [
            i for i, name in enumerate(self.names()) if name not in left_out
        ]
        return dataclasses.replace(
            self,
            paths=tuple(self.paths[i] for i in kept),
            labels=self.labels and tuple(self.labels[i] for i in kept),
        )

    def batches(
        self,
        start: int,
        batch_size: int,
        image_size: tuple[int, int],
        color_mode: str,
    ) -> Iterator[np.ndarray]:
        """Yields pixels 0-255 as float32, decoding one batch ahead.

        Args:
            start: First row.
            batch_size: Rows at a time.
            image_size: `(height, width)` in pixels.
            color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        """

        def load(path):
            return decode(path, image_size, color_mode)

        for batch in decoded_ahead(self.paths[start:], batch_size, load):
            yield np.stack(batch).astype("float32")


def _class_of(path):
    folders = path.parts[:-1]
    if len(folders) > 1 and is_exact(pathlib.Path(folders[0])):
        folders = folders[1:]
    return folders[0] if folders else None
