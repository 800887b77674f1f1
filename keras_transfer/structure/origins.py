"""Where the weights of layers came from, noted on the layers themselves."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure.paths import paths_of

# Surgery such as `keras.Model(base.input, head(base.output))` keeps the layer
# objects and nothing else of a model, so it is they that bear the note.
_ATTRIBUTE = "keras_transfer_origin"


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """What gave their weights to the layers of one backbone.

    Args:
        name: Name of the backbone.
        source: Where its weights came from, in a few words.
        stages: `(name, last layer)` pairs, or none where nobody declared any.
        is_certain: Whether it is known that these layers are a backbone. A
            file that held a whole model says it only of what is added later.
        is_new: Whether somebody said that these layers are new.
    """

    name: str
    source: str
    stages: tuple[tuple[str, str], ...] = ()
    is_certain: bool = True
    is_new: bool = False


NEW = Origin("head", "new", is_new=True)


def leaves_of(model: Any) -> list[Any]:
    """The operations of a model that are no models, each once, in order.

    Args:
        model: A model, or an operation, which is then the only leaf.
    """
    if not isinstance(model, keras.Model):
        return [model]
    found = {
        id(operation): operation
        for operation in paths_of(model).values()
        if not isinstance(operation, keras.Model)
    }
    return list(found.values())


def holders_of(operation: Any) -> list[Any]:
    """The layers of an operation that hold weights which can be trained.

    Args:
        operation: An operation or a model.
    """
    if not isinstance(operation, keras.layers.Layer):
        return []
    return [
        layer
        for layer in compat.sublayers(operation)
        if compat.own_trainable_variables(layer)
    ]


def mark(operations: Iterable[Any], origin: Origin) -> None:
    """Notes on operations, and on all that they hold, where they came from.

    What is uncertain does not replace what is certain.

    Args:
        operations: Operations or models.
        origin: Where their weights came from.

    Example:
    >>> layer = keras.layers.Dense(2)
    >>> mark([layer], Origin("net", "net.weights.h5"))
    >>> next(iter(origins_in(layer))).source
    'net.weights.h5'
    """
    for operation in operations:
        for leaf in leaves_of(operation):
            is_layer = isinstance(leaf, keras.layers.Layer)
            for part in compat.sublayers(leaf) if is_layer else [leaf]:
                known = getattr(part, _ATTRIBUTE, None)
                if known is None or origin.is_certain or not known.is_certain:
                    # Past Keras's tracking of attributes.
                    object.__setattr__(part, _ATTRIBUTE, origin)


def origins_in(operation: Any) -> set[Origin | None]:
    """What is noted on the layers of an operation that hold weights.

    Args:
        operation: An operation that is no model. Without such layers, it is
            what is noted on the operation itself.
    """
    parts = holders_of(operation) or [operation]
    return {getattr(part, _ATTRIBUTE, None) for part in parts}


def is_marked(model: Any) -> bool:
    """Whether anything is noted on any layer of a model.

    Args:
        model: A model or an operation.
    """
    return any(
        origin is not None
        for leaf in leaves_of(model)
        for origin in origins_in(leaf)
    )


def note_loaded(model: Any, source: str) -> None:
    """Notes that all weights of a model came from one file.

    Where something is noted already, the file is a later state of what is
    known, such as a checkpoint of a backbone and its head.

    Args:
        model: A built model.
        source: The file.
    """
    if not is_marked(model):
        origin = Origin(model.name, source, is_certain=False)
        mark([model], origin)
