"""Selection of layers: which operations of a model selectors name."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.structure import anatomy
from keras_transfer.structure import grammar
from keras_transfer.structure import stages
from keras_transfer.structure.paths import paths_of

Selector = str | int | slice | float | Callable[[Any], bool]
Selectors = Selector | Sequence[Selector]


def select(model: keras.Model, selectors: Selectors) -> list[Any]:
    """Returns the operations of a model that selectors name.

    A string is, in this order: a stage (`"stage_3"`), `"backbone"` or
    `"head"`, a path (`"backbone/conv1"`), the end of a path that only one
    layer has (`"conv1"`), or a pattern (`"*/conv2d_1*"`, `"stage_*"`).
    `"backbone"` stands for the backbone's layer whatever its name is.

    An index or a slice counts `model.operations`, which is what
    `model.layers` counted in Keras 2. Where the backbone is nested, its
    operations are counted, then those of the head.

    A fraction selects that share, from the output, of the layers that hold
    weights. A predicate is called with each layer.

    Args:
        model: Any Keras model.
        selectors: One selector or a sequence of them; `[]` selects nothing.

    Returns:
        Operations that are not models themselves, from input to output: a
        selected model stands for what it holds.

    Raises:
        ValueError: For a selector that matches nothing, or an ambiguous name.
        TypeError: For an object that is no selector.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> [layer.name for layer in select(model, "out*")]
    ['output']
    >>> [layer.name for layer in select(model, 0.5)]
    ['output']
    """
    if not isinstance(selectors, (list, tuple, set, frozenset)):
        selectors = [selectors]
    names = _grammar_of(model)
    chosen = {
        id(operation)
        for selector in selectors
        for _, part in names.match(selector)
        for operation in _expand(part)
    }
    return [op for op in names.leaves if id(op) in chosen]


def _grammar_of(model):
    parts = anatomy.dissect(model)
    paths = paths_of(model)
    backbone = paths[parts.path] if parts.path else model
    return grammar.Grammar(
        model,
        parts,
        paths,
        stages.partition(parts.backbone, parts.stages) if parts.stages else {},
        {"backbone": [backbone], "head": list(parts.head)},
    )


def _expand(operation):
    """Returns what a model holds, or the operation itself."""
    if not isinstance(operation, keras.Model):
        return [operation]
    return [
        op
        for op in paths_of(operation).values()
        if not isinstance(op, keras.Model)
    ]
