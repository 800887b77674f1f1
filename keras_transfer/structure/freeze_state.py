"""What of a model trains: read as data, and written here alone."""

import contextlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure.paths import paths_of


def of(model: keras.Model) -> dict[str, Any]:
    """Returns what of a model trains, as plain JSON values.

    Args:
        model: A built model.

    Returns:
        `layers` maps the path of each layer that has weights to its flag, and
        `weights` holds a 1 or a 0 for each of `model.weights`.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden")])
    >>> model.layers[0].kernel.trainable = False
    >>> of(model)
    {'layers': {'hidden': True}, 'weights': '01'}
    """
    return {
        "layers": {
            path: operation.trainable
            for path, operation in paths_of(model).items()
            if isinstance(operation, keras.layers.Layer)
            and not isinstance(operation, keras.Model)
            and operation.weights
        },
        "weights": _flags(model),
    }


def write(
    layers: Iterable[tuple[Any, bool]],
    weights: Iterable[tuple[Any, bool]] = (),
) -> None:
    """Sets trainability flags, the only place that does.

    Each flag is written, whatever it was: on TensorFlow a layer that has its
    flag already does not hand it down.

    Args:
        layers: Layers with their flags, from the outside in, since a layer
            hands its flag to all that it holds.
        weights: Weights with their flags, which are written last.
    """
    for part, flag in [*layers, *weights]:
        part.trainable = flag


def restore(
    model: keras.Model, state: Any, has_new_weights: bool = False
) -> None:
    """Gives the weights of a model that is being loaded their flags back.

    Keras stores the flags of layers but not those of weights, by which some
    policies for BatchNormalization work, and builds the optimizer before the
    weights are there; it is built anew where the flags have changed.

    Args:
        model: The model, its layers as trainable as they were.
        state: What `of` returned. Anything else, and the state of a model
            with more or fewer weights, changes nothing.
        has_new_weights: Whether layers got weights after the optimizer was
            built. Defaults to `False`.
    """
    flags = state.get("weights") if isinstance(state, dict) else None
    own = _flags(model)
    if isinstance(flags, str) and len(flags) == len(own) and flags != own:
        opened = (flag == "1" for flag in flags)
        write((), zip(model.weights, opened, strict=True))
    elif not has_new_weights:
        return
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        fresh = type(optimizer).from_config(optimizer.get_config())
        fresh.build(model.trainable_variables)
        compat.replace_optimizer(model, fresh)


@contextlib.contextmanager
def flags_kept(model: keras.Model) -> Iterator[None]:
    """Gives a model its trainability flags back at the end of a block.

    Args:
        model: A built model.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> with flags_kept(model):
    ...     model.trainable = False
    >>> len(model.trainable_variables)
    2
    """
    layers = [(layer, layer.trainable) for layer in compat.sublayers(model)]
    variables = [(v, v.trainable) for v in model.weights]
    try:
        yield
    finally:
        write(layers, variables)


def _flags(model):
    return "".join(str(int(weight.trainable)) for weight in model.weights)
