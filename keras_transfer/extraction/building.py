"""Building of extractors."""

from typing import Any

import keras

from keras_transfer.extraction import kept
from keras_transfer.extraction.calls import has_graph
from keras_transfer.extraction.extractor import Extraction
from keras_transfer.extraction.extractor import Extractor
from keras_transfer.extraction.pooling import ActivationPooling
from keras_transfer.extraction.pooling import check_pooling
from keras_transfer.extraction.rewiring import rewire
from keras_transfer.extraction.rewiring import structure_of
from keras_transfer.extraction.wanted import find_wanted


def build_extractor(
    model: keras.Model, selectors: Any, *, pooling: str | None = None
) -> keras.Model:
    """Builds a model that returns activations of another by name.

    It shares the variables of the original, at any depth of nested models,
    and leaves out what the activations do not depend on, inputs included.

    Args:
        model: A Functional or built `Sequential` model.
        selectors: One selector, as `kt.set_trainable` takes it, a list of
            them, or a dictionary `{name: selector}`. A name gives one
            activation under that very name: a stage (the end of it),
            `"backbone"` and `"head"` (their outputs) or a path. After a path,
            `:1` means the second call of a layer that the model calls several
            times (`"encoder:1/conv"`), `[1]` the second tensor of a layer that
            returns several (`"attention[1]"`). Patterns, indexes, slices,
            fractions and predicates give all that they match, each under its
            full path.
        pooling: `"avg"`, `"max"` or `"gem"` over the positions of each
            activation, which makes vectors of them. Defaults to `None`, the
            activations themselves.

    Returns:
        A `keras.Model` whose output is a dictionary of activations. The same
        question gets the same object.

    Raises:
        ValueError: For a selector that matches nothing or is ambiguous, for
            two activations of one name, or for an unknown pooling.
        TypeError: For an object that is no model or no selector.

    Example:
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, strides=2, name="conv")(image)
    >>> backbone = keras.Model(image, x, name="tiny")
    >>> model = keras_transfer.build_model(
    ...     backbone, keras_transfer.heads.LinearHead(2)
    ... )
    >>> extractor = build_extractor(model, ["tiny/conv", "head"])
    >>> activations = extractor(np.zeros((1, 32, 32, 3)))
    >>> {name: tuple(a.shape) for name, a in activations.items()}
    {'tiny/conv': (1, 15, 15, 8), 'head': (1, 2)}
    """
    _check_model(model)
    check_pooling(pooling)
    wanted = find_wanted(model, selectors)
    paths = {name: activation.path for name, activation in wanted.items()}
    return kept.keep(
        model,
        (pooling, *paths.items()),
        lambda: _from_graph(model, wanted, Extraction("graph", paths), pooling),
    )


def _check_model(model):
    if not isinstance(model, keras.Model):
        raise TypeError(
            "Activations are extracted from a keras.Model. Received: "
            f"{model!r} of type {type(model).__name__}."
        )
    if isinstance(model, keras.Sequential) and not has_graph(model):
        raise ValueError(
            f"The Sequential model {model.name!r} is not built, so that its "
            "activations have no shapes yet. Give it a keras.Input as its "
            "first layer, or call model.build((None, height, width, channels))."
        )


def _from_graph(model, wanted, extraction, pooling):
    graph = rewire(
        model, {name: (w.call.nodes, w.index) for name, w in wanted.items()}
    )
    outputs = graph.found
    if pooling is not None:
        outputs = _pooled(outputs, pooling, taken=_names_in(model))
    extractor = Extractor(
        _inputs(model, graph.inputs),
        outputs,
        name=f"{model.name}_extractor",
        trainable=model.trainable,
    )
    extractor.extraction = extraction
    return extractor


def _inputs(model, tensors):
    """Packs the used inputs as the model takes them."""
    structure = structure_of(model)
    if all(tensor is not None for tensor in tensors):
        return keras.tree.pack_sequence_as(structure, tensors)
    if isinstance(structure, dict):
        return {tensor.name: tensor for tensor in tensors if tensor is not None}
    used = [tensor for tensor in tensors if tensor is not None]
    return used[0] if len(used) == 1 else used


def _names_in(model):
    return {operation.name for operation in model.operations}


def _pooled(outputs, pooling, taken):
    pooled = {}
    for number, (name, tensor) in enumerate(outputs.items()):
        layer_name = f"pool_{number}"
        while layer_name in taken:
            layer_name += "_"
        pooled[name] = ActivationPooling(pooling, name=layer_name)(tensor)
    return pooled
