"""What is new in a model as its user says it, or as the question for it."""

import keras

from keras_transfer.structure import novelty
from keras_transfer.structure import origins
from keras_transfer.structure import selectors as grammar
from keras_transfer.structure.paths import operations_of


def known(model: keras.Model, what: str) -> novelty.Novelty:
    """Returns the parts of a model, or asks for them.

    Args:
        model: A built model.
        what: Who wants to know, for the message.

    Raises:
        ValueError: If they cannot be known.
    """
    found = novelty.find(model)
    if not found.is_known:
        raise novelty.question(model, found.reason, what)
    return found


def say(
    model: keras.Model,
    head: grammar.Selectors | None = None,
    backbone: grammar.Selectors | None = None,
) -> None:
    """Notes on the layers of a model which are new and which are not.

    Args:
        model: A built model.
        head: Selectors of what is new. Defaults to all but `backbone`.
        backbone: Selectors of what is pretrained. Defaults to all but `head`.
            Without either, nothing is noted.

    Raises:
        ValueError: If a layer is both, or neither, or a selector matches
            nothing.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="old"),
    ...      keras.layers.Dense(3, name="new_1"),
    ...      keras.layers.Dense(2, name="new_2")]
    ... )
    >>> say(model, head="new_*")
    >>> [layer.name for layer in novelty.find(model).head]
    ['new_1', 'new_2']
    """
    if head is None and backbone is None:
        return
    of_head, of_rest = (
        None if part is None else {id(op) for op in grammar.select(model, part)}
        for part in (head, backbone)
    )
    leaves = origins.leaves_of(model)
    if of_head is None:
        of_head = {id(leaf) for leaf in leaves} - of_rest
    elif of_rest is not None:
        for leaf in filter(origins.holders_of, leaves):
            is_new = id(leaf) in of_head
            if is_new != (id(leaf) in of_rest):
                continue
            raise ValueError(
                f"The layer {leaf.name!r} of {model.name!r} is in "
                f"{'both' if is_new else 'neither'} of `head` and `backbone`. "
                "Expected each layer with weights in one of them; give one of "
                "the two, and the rest is the other."
            )
    _note(model, of_head)


def _note(model, of_head):
    own = origins.Origin(model.name, "said to be pretrained")
    for operation in operations_of(model):
        if isinstance(operation, keras.Model):
            _note(operation, of_head)
        elif id(operation) in of_head:
            origins.mark([operation], origins.NEW)
        elif not all(map(_is_pretrained, origins.origins_in(operation))):
            origins.mark([operation], own)


def _is_pretrained(origin):
    return origin is not None and origin.is_certain and not origin.is_new
