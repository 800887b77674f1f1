"""What of a model trains: read as data, and written here alone."""

from collections.abc import Iterable
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


def restore(model: keras.Model, state: Any) -> None:
    """Gives the weights of a model that is being loaded their flags back.

    Keras stores the flags of layers but not those of weights, by which some
    policies for BatchNormalization work, and builds the optimizer before the
    weights are there; it is built anew where the flags have changed.

    Args:
        model: The model, its layers as trainable as they were.
        state: What `of` returned. Anything else, and the state of a model
            with more or fewer weights, changes nothing.
    """
    flags = state.get("weights") if isinstance(state, dict) else None
    own = _flags(model)
    if not isinstance(flags, str) or len(flags) != len(own) or flags == own:
        return
    write((), zip(model.weights, (flag == "1" for flag in flags), strict=True))
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        fresh = type(optimizer).from_config(optimizer.get_config())
        fresh.build(model.trainable_variables)
        compat.replace_optimizer(model, fresh)


def _flags(model):
    return "".join(str(int(weight.trainable)) for weight in model.weights)
