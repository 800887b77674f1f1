"""The vectors of an extractor, batch by batch."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from keras_transfer.embedding.result import VECTORS
from keras_transfer.feature_store.array_spec import ArraySpec

_MANY = 100


def spec_of(
    extractor: keras.Model, shape: tuple[int, int, int], dtype: str
) -> ArraySpec:
    """Returns what a row of the vectors is.

    Args:
        extractor: Returns them under their name.
        shape: `(height, width, channels)` of an image.
        dtype: The type to keep them in.

    Raises:
        ValueError: For another type than the three there are.
    """
    if dtype not in ("float32", "float16", "bfloat16"):
        raise ValueError(
            "`dtype` must be 'float32', 'float16' or 'bfloat16'. Received: "
            f"dtype={dtype!r}"
        )
    image = keras.KerasTensor((1, *shape))
    row = extractor.compute_output_spec(image)[VECTORS].shape[1:]
    return ArraySpec(row, dtype)


def vectors_of(
    extractor: keras.Model,
    source: Any,
    batches: Iterator[np.ndarray],
    start: int,
    batch_size: int,
    progress: bool | None,
) -> Iterator[np.ndarray]:
    """Yields the vectors of each batch of images.

    Args:
        extractor: Returns them under their name.
        source: All images.
        batches: Pixels of those that are to come.
        start: Number of the first of them.
        batch_size: Images of each batch, the last one excepted.
        progress: Whether a progress bar is drawn; `None` decides.

    Raises:
        ValueError: A vector is not finite.
    """
    if progress is None:
        progress = len(source) > _MANY and sys.stderr.isatty()
    shown = track(
        batches,
        description="Embedding",
        total=-(-(len(source) - start) // batch_size),
        console=Console(stderr=True),
        disable=not progress,
        transient=True,
    )
    with contextlib.closing(batches):
        for batch in shown:
            vectors = _predict(extractor, batch, batch_size)
            _check_finite(vectors, source, start)
            yield vectors
            start += len(batch)


def _predict(extractor, batch, batch_size):
    # One shape for all batches, so that the last one is computed as the others
    # are, in whichever run of the program it comes.
    missing = batch_size - len(batch)
    full = batch
    if missing:
        full = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
    return extractor.predict_on_batch(full)[VECTORS][: len(batch)]


def _check_finite(vectors, source, start):
    rows = np.isfinite(vectors).reshape(len(vectors), -1).all(axis=1)
    if not rows.all():
        row = start + int(np.flatnonzero(~rows)[0])
        what = f"row {row}" if source.paths is None else source.paths[row]
        raise ValueError(
            f"The embedding of {what} is not finite. Look for NaN in the "
            "weights of the model or in its input."
        )
