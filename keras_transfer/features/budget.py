"""How much is kept, and what is kept where features are too large for that."""

from collections.abc import Sequence

import keras
import psutil

from keras_transfer.features import boundary
from keras_transfer.features.boundary import Split
from keras_transfer.features.rows import Rows
from keras_transfer.features.steps import FlatModel
from keras_transfer.features.trial import computes_the_same

_SHARE_OF_FREE_MEMORY = 0.5


def free_budget() -> int:
    """Returns the bytes that a cache in memory may take."""
    return int(_SHARE_OF_FREE_MEMORY * psutil.virtual_memory().available)


def choose(
    model: keras.Model,
    flat: FlatModel,
    sources: Sequence[Rows],
    budget: int,
) -> Split:
    """Returns the cut at the freeze boundary, or one before everything.

    The features of a low layer can be larger than the images they come from.
    Then the images are kept, and each step computes all of the model; so too
    where a layer turns out to be random although it does not look like it.

    Args:
        model: The model.
        flat: The same as a list of steps.
        sources: The data.
        budget: Bytes that may be kept.

    Raises:
        ValueError: If neither features nor images fit, or a size is open.
    """
    num_rows = sum(source.num_rows for source in sources)
    split = boundary.divide(flat)
    features = num_rows * split.row_bytes
    if (
        split.computes_something
        and features <= budget
        and computes_the_same(model, split, sources[0])
    ):
        return split
    if fits_uncut(sources, budget):
        return boundary.uncut(flat)
    raise ValueError(
        f"what the frozen layers make of {num_rows} rows takes "
        f"{_gib(features)}, the rows themselves {_gib(_size_of(sources))}, "
        f"and half of the free memory is {_gib(budget)}"
    )


def fits_uncut(sources: Sequence[Rows], budget: int) -> bool:
    """Whether the data themselves may be kept.

    Args:
        sources: The data.
        budget: Bytes that may be kept.
    """
    return _size_of(sources) <= budget


def _size_of(sources):
    return sum(source.nbytes for source in sources)


def _gib(size):
    return f"{size / 2**30:.1f} GiB"
