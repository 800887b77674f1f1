"""The features at a freeze boundary, computed once for each row."""

import hashlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.progress import Progress

from keras_transfer.features.boundary import Split
from keras_transfer.features.rows import Rows
from keras_transfer.features.rows import numbered


class FeatureCache:
    """Holds in memory what a frozen prefix makes of every row.

    A prefix without steps is a cache of the inputs themselves.

    Args:
        split: A model in two parts.
        sources: The data; rows are numbered on from one to the next.
        progress: Whether a progress bar is drawn where stderr is a terminal.
            Defaults to True.

    Example:
    >>> from keras_transfer.features.rows import ArrayRows
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    >>> model.layers[0].trainable = False
    >>> parts = keras_transfer.split(model)
    >>> cache = FeatureCache(parts, [ArrayRows(np.ones((5, 4)))])
    >>> [tuple(x.shape) for x in cache.gather([0, 3])]
    [(2, 3)]
    """

    def __init__(
        self, split: Split, sources: Sequence[Rows], progress: bool = True
    ):
        self.split = split
        self._weights = digest_of(split.prefix)
        self._arrays = _compute(split, sources, progress)

    def gather(self, rows: Any) -> list[Any]:
        """Returns what crosses the boundary for some rows, as tensors.

        Args:
            rows: Row numbers, a tensor or a list.
        """
        return [
            ops.cast(ops.take(array, rows, axis=0), ref.spec.dtype)
            for array, ref in zip(
                self._arrays, self.split.prefix.output_refs, strict=True
            )
        ]

    def is_current(self) -> bool:
        """Whether the frozen weights are still those it was computed with."""
        return digest_of(self.split.prefix) == self._weights


def digest_of(model: keras.Model) -> bytes:
    """Returns a digest of the values of a model's weights."""
    digest = hashlib.blake2b()
    for weight in model.weights:
        values = np.ascontiguousarray(ops.convert_to_numpy(weight))
        digest.update(values.reshape(-1).view("uint8"))
    return digest.digest()


def _compute(split, sources, progress):
    total = sum(source.num_rows for source in sources)
    arrays: list[np.ndarray] = []
    console = Console(stderr=True)
    with Progress(
        console=console,
        transient=True,
        disable=not progress or not console.is_terminal,
    ) as bars:
        task = bars.add_task("Computing what is frozen, once", total=total)
        for rows, inputs in numbered(sources):
            made = compute_features(split, inputs)
            if not arrays:
                arrays = [
                    np.empty((total, *part.shape[1:]), part.dtype)
                    for part in made
                ]
            for array, part in zip(arrays, made, strict=True):
                array[rows] = part
            bars.advance(task, len(rows))
    return [ops.convert_to_tensor(array) for array in arrays]


def compute_features(split: Split, inputs: Any) -> list[np.ndarray]:
    """Computes what crosses the boundary for one batch.

    Args:
        split: A model in two parts.
        inputs: A batch as the model takes it.
    """
    prefix = split.prefix
    flat = keras.tree.flatten(inputs)
    named = dict(zip(prefix.input_refs, flat, strict=True))
    if not prefix.steps:
        return [np.asarray(named[ref]) for ref in prefix.output_refs]
    made = prefix.predict_on_batch(
        [ops.cast(values, ref.spec.dtype) for ref, values in named.items()]
    )
    return [ops.convert_to_numpy(part) for part in made]
