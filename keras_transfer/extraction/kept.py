"""The extractors that a model keeps, so that none is built twice."""

from collections.abc import Callable
from collections.abc import Hashable
from typing import Any

import keras

_ATTRIBUTE = "keras_transfer_extractors"


class KeptExtractors:
    """What was built for one graph of a model.

    A plain object and no dictionary, since Keras saves what it finds in those.

    Args:
        outputs: The tensors that the graph ends in.
    """

    def __init__(self, outputs: tuple[Any, ...]):
        self.outputs = outputs
        self.built: dict[Hashable, Any] = {}


def keep(
    model: keras.Model, key: Hashable, build: Callable[[], Any]
) -> keras.Model:
    """Returns what was built for this key, or builds it.

    Each extractor that reaches into a nested model adds calls to the layers
    around it, for good: without this a loop over images would grow the model.
    The model holds what was built, and nothing else does, so that both go
    together.

    Args:
        model: The model to extract from.
        key: Tells extractors of one model apart.
        build: Makes the extractor.
    """
    # A `Sequential` model has no outputs before it is built, and others once
    # a layer was added.
    outputs = tuple(getattr(model, "outputs", None) or ())
    kept = getattr(model, _ATTRIBUTE, None)
    if kept is None or not _same(kept.outputs, outputs):
        kept = KeptExtractors(outputs)
        # Past Keras's attribute tracking: the model must not hold extractors
        # as layers of its own.
        object.__setattr__(model, _ATTRIBUTE, kept)
    if key not in kept.built:
        kept.built[key] = build()
    return kept.built[key]


def _same(tensors, others):
    return len(tensors) == len(others) and all(
        a is b for a, b in zip(tensors, others, strict=True)
    )
