"""Training data seen as numbered rows, so that features can stand for them."""

import abc
import math
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# The key under which a batch of row numbers takes the place of images.
ROW = "keras_transfer_row"
_DEFAULT_BATCH_SIZE = 32  # Keras's own.


class Rows(abc.ABC):
    """Data whose rows have numbers, in whatever order they train."""

    @property
    @abc.abstractmethod
    def num_rows(self) -> int:
        """How many there are."""

    @property
    @abc.abstractmethod
    def nbytes(self) -> int:
        """Size of all inputs as `batches` yields them, in bytes."""

    @abc.abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yields the inputs once, in the order of their numbers."""

    @abc.abstractmethod
    def numbers(self, offset: int) -> Any:
        """Returns what `fit` takes as `x`: numbers in the order of training.

        Args:
            offset: Added to each number.
        """

    @property
    def labels(self) -> Any:
        """All labels, where the data bring them along; else `None`."""
        return None


class ArrayRows(Rows):
    """The rows of arrays, which `fit` shuffles by itself.

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
    def nbytes(self) -> int:
        arrays = [np.asarray(array) for array in keras.tree.flatten(self.x)]
        return sum(array.nbytes for array in arrays)

    def batches(self) -> Iterator[Any]:
        for start in range(0, self.num_rows, self.batch_size):
            part = slice(start, start + self.batch_size)
            yield keras.tree.map_structure(_rows(part), self.x)

    def numbers(self, offset: int) -> Any:
        return {ROW: np.arange(offset, offset + self.num_rows)}


def _rows(part):
    return lambda array: array[part]


class PipelineRows(Rows):
    """The photographs of a data set that `kt.data` made.

    Args:
        dataset: One of the two that `kt.data.from_directory` returns.
    """

    def __init__(self, dataset: Any):
        self.dataset = dataset

    @property
    def num_rows(self) -> int:
        return len(self.dataset.file_paths)

    @property
    def nbytes(self) -> int:
        shape = self.dataset.in_order.element_spec.shape[1:]
        return self.num_rows * math.prod(shape)

    def batches(self) -> Iterator[Any]:
        # One byte for each value, where the data set itself yields four.
        yield from self.dataset.in_order

    def numbers(self, offset: int) -> Any:
        return self.dataset.rows.map(
            lambda row, label: ({ROW: row + offset}, label)
        )

    @property
    def labels(self) -> Any:
        labels = self.dataset.labels
        if len(self.dataset.rows.element_spec[1].shape) == 2:
            return np.eye(len(self.dataset.class_names))[labels]
        return labels


def rows_of(x: Any, batch_size: int | None = None) -> Rows | str:
    """Sees data as rows, or says in a clause why that is not possible.

    Args:
        x: What `fit` takes as `x`.
        batch_size: What `fit` takes.
    """
    if hasattr(x, "rows") and hasattr(x, "in_order"):
        if x.is_augmented:
            return "its images are augmented anew in every epoch"
        return PipelineRows(x)
    if hasattr(x, "element_spec") or isinstance(x, keras.utils.PyDataset):
        return (
            "its order in each epoch is known only of arrays and of the data "
            "sets of kt.data.from_directory"
        )
    leaves = keras.tree.flatten(x)
    if leaves and all(hasattr(leaf, "shape") for leaf in leaves):
        return ArrayRows(x, batch_size)
    return "a generator cannot be read twice"


def numbered(sources: Sequence[Rows]) -> Iterator[tuple[np.ndarray, Any]]:
    """Yields numbers and inputs, batch by batch, of several data in a row."""
    start = 0
    for source in sources:
        for inputs in source.batches():
            stop = start + len(keras.tree.flatten(inputs)[0])
            yield np.arange(start, stop), inputs
            start = stop
