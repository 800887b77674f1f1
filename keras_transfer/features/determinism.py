"""Which operations compute the same in every step of training."""

from typing import Any

import keras

from keras_transfer import compat


def is_settled(operation: Any) -> bool:
    """Whether equal inputs give equal outputs for as long as nothing thaws.

    That holds for what has no open weights, draws no random numbers and
    updates no statistics. BatchNormalization is settled once it is frozen,
    dropout never.

    Args:
        operation: A layer or an operation of a model.
    """
    if not isinstance(operation, keras.layers.Layer):
        return True
    return all(_is_settled_alone(part) for part in compat.sublayers(operation))


def _is_settled_alone(layer):
    if any(variable.trainable for variable in compat.own_variables(layer)):
        return False
    if any(v.path.endswith("seed_generator_state") for v in layer.variables):
        return False
    # Statistics move in training unless the layer's flag holds them.
    return not (layer.trainable and _moving(layer))


def _moving(layer):
    return [v for v in compat.own_variables(layer) if _never_opens(layer, v)]


def _never_opens(layer, variable):
    # `Normalization` and the like keep constants, which `fit` leaves alone.
    if isinstance(layer, keras.layers.Normalization):
        return False
    trained = {id(v) for v in compat.own_trainable_variables(layer)}
    return id(variable) not in trained
