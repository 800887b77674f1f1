"""Selection of layers: which operations of a model selectors name."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import adapters
from keras_transfer.structure import anatomy
from keras_transfer.structure import grammar
from keras_transfer.structure import novelty
from keras_transfer.structure.paths import paths_of

Selector = str | int | slice | float | Callable[[Any], bool]
Selectors = Selector | Sequence[Selector]


def select(model: keras.Model, selectors: Selectors) -> list[Any]:
    """Returns the operations of a model that selectors name.

    A string is, in this order: a stage (`"stage_3"`), `"backbone"` or
    `"head"`, a path (`"backbone/conv1"`), the end of a path that only one
    layer has (`"conv1"`), or a pattern (`"*/conv2d_1*"`, `"stage_*"`).
    `"backbone"` stands for the backbone's layer whatever its name is, `"lora"`
    for the layers with adapters.

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
    names = _grammar_of(model, selectors)
    chosen = {
        id(operation)
        for selector in selectors
        for _, part in names.match(selector)
        for operation in _expand(part)
    }
    return [op for op in names.leaves if id(op) in chosen]


def weights_by_place(model: keras.Model, selectors: Selectors) -> dict:
    """Maps path and number to each weight of layers, adapters left out.

    Args:
        model: Any Keras model.
        selectors: As for `select`.
    """
    path_of = {id(op): path for path, op in paths_of(model).items()}
    found = {}
    for operation in select(model, selectors):
        weights = getattr(operation, "weights", ())
        factors = adapters.factors_of(operation) if weights else ()
        left_out = {id(factor) for factor in factors}
        own = [weight for weight in weights if id(weight) not in left_out]
        for number, weight in enumerate(own):
            found[f"{path_of[id(operation)]}:{number}"] = weight
    return found


def _grammar_of(model, selectors):
    parts = anatomy.dissect(model)
    paths = paths_of(model)
    leaves = [op for op in paths.values() if not isinstance(op, keras.Model)]
    found = novelty.find(model)
    held = found.stages
    if not found.is_known:
        is_asked = any(isinstance(s, str) and s == "head" for s in selectors)
        if is_asked and "head" not in paths:
            raise novelty.question(model, found.reason, "The selector 'head'")
        held = parts.held
    of_backbones = [op for b in found.backbones for op in b.operations]
    return grammar.Grammar(
        model,
        parts,
        paths,
        held,
        {
            "backbone": of_backbones or [model],
            "head": list(found.head),
            adapters.SELECTOR: list(filter(adapters.is_adapted, leaves)),
        },
    )


def divide(
    model: keras.Model, selectors: Selectors
) -> tuple[list[Selector], list[Any]]:
    """Divides selectors into those of layers and that of adapters.

    Args:
        model: Any Keras model.
        selectors: As for `select`.

    Returns:
        The selectors without `"lora"`, and the operations whose adapters it
        names; a layer of that name comes first.

    Raises:
        ValueError: If no layer has an adapter.
    """
    if not isinstance(selectors, (list, tuple, set, frozenset)):
        selectors = [selectors]
    name = adapters.SELECTOR
    if name not in selectors or name in paths_of(model):
        return list(selectors), []
    if not any(map(adapters.has_adapter, compat.sublayers(model))):
        raise ValueError(
            f"The selector 'lora' matches nothing in {model.name!r}: none of "
            "its layers has an adapter. Call kt.add_lora(model) first."
        )
    return [s for s in selectors if s != name], select(model, name)


def _expand(operation):
    """Returns what a model holds, or the operation itself."""
    if not isinstance(operation, keras.Model):
        return [operation]
    return [
        op
        for op in paths_of(operation).values()
        if not isinstance(op, keras.Model)
    ]
