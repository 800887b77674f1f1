"""What is evaluated or audited: photographs with what is true of them."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.data.decoded import decoded_ahead
from keras_transfer.data.directory import scan_parts
from keras_transfer.data.images import decode

_ROWS = 32


@dataclasses.dataclass(frozen=True)
class Material:
    """Photographs in files or in an array, with their labels.

    Args:
        labels: A class number or a row of numbers for each photograph.
        class_names: Names of the classes, or `None`.
        paths: The files, or `None`.
        pixels: The array, where there are no files.
        splits: `"train"`, `"validation"` or `"test"` for each photograph, or
            `""` where there is one part only.
        root: The folder that was named, or `None`.
    """

    labels: np.ndarray
    class_names: tuple[str, ...] | None
    paths: tuple[pathlib.Path, ...] | None = None
    pixels: np.ndarray | None = None
    splits: tuple[str, ...] = ()
    root: pathlib.Path | None = None

    def __len__(self):
        return len(self.labels)

    @property
    def names(self) -> list[str]:
        """The files within the folder, or numbers of rows."""
        if self.paths is None:
            return [str(row) for row in range(len(self))]
        if self.root is None:
            return [os.fspath(path) for path in self.paths]
        return [os.path.relpath(path, self.root) for path in self.paths]

    def only(self, rows: Sequence[int]) -> "Material":
        """Returns the same material with some of its rows."""
        rows = np.asarray(rows, dtype=int)
        return dataclasses.replace(
            self,
            labels=self.labels[rows],
            paths=self.paths and tuple(self.paths[i] for i in rows),
            pixels=None if self.pixels is None else self.pixels[rows],
            splits=self.splits and tuple(self.splits[i] for i in rows),
        )

    def images(
        self, rows: Sequence[int], size: tuple[int, int], color_mode: str
    ) -> np.ndarray:
        """Returns the pixels of some photographs, as a model takes them."""
        if self.paths is None:
            return np.asarray(self.pixels[np.asarray(rows, dtype=int)])
        return np.stack([decode(self.paths[i], size, color_mode) for i in rows])

    def batches(
        self, size: tuple[int, int], color_mode: str, batch_size: int = _ROWS
    ) -> Iterator[np.ndarray]:
        """Yields the pixels of all photographs, decoded one batch ahead."""
        if self.paths is None:
            for start in range(0, len(self), batch_size):
                yield np.asarray(self.pixels[start : start + batch_size])
            return

        def load(path):
            return decode(path, size, color_mode)

        for batch in decoded_ahead(self.paths, batch_size, load):
            yield np.stack(batch)


def material_of(data: Any) -> Material:
    """Returns the photographs that data stand for, of all splits.

    Args:
        data: A folder, a data set of `kt.data`, several of these by the name
            of their split, or a pair `(images, labels)`.

    Raises:
        TypeError: For data of another kind.
        ValueError: For a folder that cannot be read, or images and labels
            that are not equally many.
    """
    if isinstance(data, Material):
        return data
    if isinstance(data, str | os.PathLike):
        return _of_folder(pathlib.Path(data))
    if isinstance(data, dict) and data:
        return _together({str(k): material_of(v) for k, v in data.items()})
    if isinstance(data, tuple | list) and data and all(map(_has_files, data)):
        names = ("train", "validation", "test")[: len(data)]
        return material_of(dict(zip(names, data, strict=True)))
    if isinstance(data, tuple | list) and len(data) == 2:
        return _of_arrays(*data)
    if _has_files(data):
        names, labels = getattr(data, "class_names", None), data.labels
        targets = getattr(data, "targets", None)
        if targets:  # Numbers as they were before they were scaled.
            labels = np.asarray(labels, "float64") * targets["std"]
            labels += targets["mean"]
        return Material(
            np.asarray(labels),
            names and tuple(names),
            tuple(map(pathlib.Path, data.file_paths)),
            splits=("",) * len(data.file_paths),
        )
    if hasattr(data, "element_spec"):
        return _of_batches(data)
    raise TypeError(
        "Expected a folder of class folders, a data set of kt.data, a "
        "dictionary of these by the name of their split, or a pair of arrays "
        f"(images, labels). Received: an object of type {type(data).__name__}."
    )


def held_out_part(material: Material) -> tuple[Material, str]:
    """Returns what a model is to be judged by, and its name.

    It is the test set where there is one, otherwise the validation set,
    otherwise everything.

    Args:
        material: All photographs.
    """
    for split in ("test", "validation"):
        rows = [i for i, each in enumerate(material.splits) if each == split]
        if rows and len(rows) < len(material):
            return material.only(rows), split
    return material, ""


def sound_part(material: Material, bad_files: str) -> Material:
    """Returns the photographs that can be read.

    Args:
        material: All photographs.
        bad_files: `"error"` or `"skip"`, as for `evaluate`.

    Raises:
        ValueError: If some cannot be read and are not to be skipped.
    """
    if material.paths is None:
        return material
    from keras_transfer.data.check import check_images
    from keras_transfer.data.classes import report

    reasons = check_images(material.paths)
    if not reasons:
        return material
    sound = [i for i, p in enumerate(material.paths) if p not in reasons]
    faults = [] if sound else ["there is no sound image"]
    report(material.root or "", faults, reasons, bad_files)
    return material.only(sound)


def _of_folder(root):
    scans = scan_parts(root)
    images = [
        (path, name, split)
        for split, scan in scans.items()
        for name, paths in scan.images.items()
        for path in paths
    ]
    names = tuple(sorted({name for _, name, _ in images}))
    if not images:
        raise ValueError(
            f"The folder {os.fspath(root)!r} holds no image in its class "
            "folders."
        )
    are_apart = len(scans) > 1
    return Material(
        np.array([names.index(name) for _, name, _ in images], "int32"),
        names,
        tuple(path for path, _, _ in images),
        splits=tuple(split if are_apart else "" for _, _, split in images),
        root=root,
    )


def _of_arrays(images, labels):
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 4 or len(images) != len(labels) or not len(labels):
        raise ValueError(
            "A pair (images, labels) needs images of shape (rows, height, "
            "width, channels) and a label for each, at least one. Received "
            f"the shapes {images.shape} and {labels.shape}."
        )
    return Material(labels, None, pixels=images, splits=("",) * len(labels))


def _of_batches(dataset):
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in dataset]
    if not pairs:
        raise ValueError("The data set yields no batch.")
    names = getattr(dataset, "class_names", None)
    found = _of_arrays(*map(np.concatenate, zip(*pairs, strict=True)))
    return dataclasses.replace(found, class_names=names and tuple(names))


def _together(parts):
    names = {part.class_names for part in parts.values()}
    if len(names) > 1 or any(part.paths is None for part in parts.values()):
        raise ValueError(
            "The splits must be folders or data sets of files of the same "
            f"classes. Received: {sorted(map(str, names))}."
        )
    return Material(
        np.concatenate([part.labels for part in parts.values()]),
        names.pop(),
        tuple(path for part in parts.values() for path in part.paths),
        splits=tuple(
            split for split, part in parts.items() for _ in range(len(part))
        ),
    )


def _has_files(data):
    return hasattr(data, "file_paths") and hasattr(data, "labels")
