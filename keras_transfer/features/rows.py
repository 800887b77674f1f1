"""Training data as numbered rows, for which features can be substituted."""

import abc
import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.data.catalogue import Catalogue
from keras_transfer.data.images import RESIZING
from keras_transfer.feature_store.fingerprint import fingerprint_arrays
from keras_transfer.feature_store.fingerprint import fingerprint_files

# The key under which a batch holds row numbers instead of images.
ROW = "keras_transfer_row"
_DEFAULT_BATCH_SIZE = 32  # Keras's own.
_BATCHES_AHEAD = 2


class Rows(abc.ABC):
    """Data whose rows have numbers, whatever the order of training."""

    @property
    @abc.abstractmethod
    def num_rows(self) -> int:
        """Number of rows."""

    @property
    @abc.abstractmethod
    def inputs(self) -> list[tuple[tuple[int, ...], str]]:
        """Shape and dtype of a row of each input."""

    @abc.abstractmethod
    def batches(self, start: int = 0) -> Iterator[Any]:
        """Yields the inputs of all rows, in the order of their numbers.

        Args:
            start: The row to begin with. Defaults to 0.
        """

    @abc.abstractmethod
    def first(self) -> Any:
        """Returns the inputs of the first batch, without reading further."""

    @abc.abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Returns what distinguishes these data from others."""

    @abc.abstractmethod
    def numbers(self, offset: int) -> Any:
        """Returns row numbers in the order of training, as `x` for `fit`.

        Args:
            offset: Added to each number.
        """


class ArrayRows(Rows):
    """The rows of arrays, which `fit` shuffles itself.

    Args:
        x: An array, or a nested structure of arrays of one length.
        batch_size: Rows per batch. Defaults to `None`, 32 as in `fit`.
    """

    def __init__(self, x: Any, batch_size: int | None = None):
        self.x = x
        self.batch_size = batch_size or _DEFAULT_BATCH_SIZE

    @property
    def num_rows(self) -> int:
        return len(keras.tree.flatten(self.x)[0])

    @property
    def inputs(self) -> list[tuple[tuple[int, ...], str]]:
        return [
            (
                tuple(array.shape[1:]),
                keras.backend.standardize_dtype(array.dtype),
            )
            for array in keras.tree.flatten(self.x)
        ]

    def batches(self, start: int = 0) -> Iterator[Any]:
        for first in range(start, self.num_rows, self.batch_size):
            part = slice(first, first + self.batch_size)
            yield keras.tree.map_structure(_rows(part), self.x)

    def first(self) -> Any:
        return next(self.batches())

    def fingerprint(self) -> dict[str, Any]:
        return fingerprint_arrays(
            *map(keras.ops.convert_to_numpy, keras.tree.flatten(self.x))
        )

    def numbers(self, offset: int) -> Any:
        return {ROW: np.arange(offset, offset + self.num_rows)}


def _rows(part):
    return lambda array: array[part]


class PhotographRows(Rows):
    """The photographs of a data set that `kt.data` made.

    Args:
        catalogue: That of one of the two data sets that
            `kt.data.from_directory` returns.
    """

    def __init__(self, catalogue: Catalogue):
        self.catalogue = catalogue

    @property
    def num_rows(self) -> int:
        return len(self.catalogue.paths)

    @property
    def inputs(self) -> list[tuple[tuple[int, ...], str]]:
        # One byte per value; the data set itself yields four.
        return [(self.catalogue.image_shape, "uint8")]

    def batches(self, start: int = 0) -> Iterator[Any]:
        images = self.catalogue.images_from(start)
        yield from images.prefetch(_BATCHES_AHEAD)

    def first(self) -> Any:
        return next(iter(self.catalogue.images_from(0).take(1)))

    def fingerprint(self) -> dict[str, Any]:
        paths = self.catalogue.paths
        return {
            **fingerprint_files(paths, root=os.path.commonpath(paths)),
            "image shape": list(self.catalogue.image_shape),
            "resizing": RESIZING,
        }

    def numbers(self, offset: int) -> Any:
        return self.catalogue.rows.map(
            lambda row, *known: ({ROW: row + offset}, *known)
        )


class Refusal(Exception):
    """The reason why features cannot be cached, as a clause after "because".

    `kt.fit` and `FeatureCache` catch it and put the clause into a sentence.
    """


def rows_of(x: Any, batch_size: int | None = None) -> Rows:
    """Returns data as rows.

    Args:
        x: What `fit` takes as `x`.
        batch_size: What `fit` takes.

    Raises:
        Refusal: If the data cannot be read by number.
    """
    catalogue = Catalogue.of(x)
    if catalogue is not None:
        if catalogue.augment is not None:
            raise Refusal("its images are augmented anew in every epoch")
        return PhotographRows(catalogue)
    if hasattr(x, "element_spec") or isinstance(x, keras.utils.PyDataset):
        raise Refusal(
            "its order in each epoch is known only of arrays and of the data "
            "sets of kt.data.from_directory"
        )
    leaves = keras.tree.flatten(x)
    if leaves and all(hasattr(leaf, "shape") for leaf in leaves):
        return ArrayRows(x, batch_size)
    raise Refusal("a generator cannot be read twice")


def batches_from(sources: Sequence[Rows], start: int) -> Iterator[Any]:
    """Yields the inputs of several sources, one after the other, in batches.

    Args:
        sources: The data, whose rows are numbered consecutively.
        start: The row to begin with.
    """
    for source in sources:
        if start < source.num_rows:
            yield from source.batches(start)
        start = max(0, start - source.num_rows)


def sources_of(
    data: Sequence[Any], batch_size: int | None = None
) -> list[Rows]:
    """Returns several data as rows.

    Args:
        data: Each what `fit` takes as `x`, or rows already.
        batch_size: What `fit` takes.

    Raises:
        ValueError: If there are none, or some have no known order.
    """
    if not data:
        raise ValueError("There are no data whose features could be computed.")
    try:
        return [
            each if isinstance(each, Rows) else rows_of(each, batch_size)
            for each in data
        ]
    except Refusal as refusal:
        raise ValueError(
            f"The features of these data cannot be kept, because {refusal}. "
            "Expected arrays, or what kt.data.from_directory returns without "
            "`augment`."
        ) from None
