"""Checks of the constructor arguments that heads have in common."""

import numbers
from collections.abc import Sequence

import keras

from keras_transfer import names


def check_positive_int(name: str, value: object) -> None:
    """Raises unless `value` is an integer of at least 1.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.

    Raises:
        TypeError: For anything but an integer, booleans included.
        ValueError: For an integer below 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be a positive integer, for example {name}=2. "
            f"Received: {name}={value!r} of type {type(value).__name__}."
        )
    if value < 1:
        raise ValueError(
            f"`{name}` must be at least 1. Received: {name}={value!r}."
        )


def check_positive_number(name: str, value: object) -> None:
    """Raises unless `value` is a finite number above 0.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.

    Raises:
        TypeError: For anything but a real number, booleans included.
        ValueError: For a number that is not finite or not above 0.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be a positive number. "
            f"Received: {name}={value!r} of type {type(value).__name__}."
        )
    if not 0 < value < float("inf"):
        raise ValueError(
            f"`{name}` must be positive. Received: {name}={value!r}."
        )


def check_num_classes(num_classes: object) -> None:
    """Raises unless `num_classes` counts the outputs of a classifier."""
    check_positive_int("num_classes", num_classes)


def check_dropout(dropout: object, name: str = "dropout") -> None:
    """Raises unless a dropout is a fraction in `[0, 1)`.

    Args:
        dropout: Fraction of the features to drop in training.
        name: Name of the argument. Defaults to `"dropout"`.

    Raises:
        TypeError: For anything but a real number, booleans included.
        ValueError: For a number outside `[0, 1)`, NaN included.
    """
    if isinstance(dropout, bool) or not isinstance(dropout, numbers.Real):
        raise TypeError(
            f"`{name}` must be a number in [0, 1), for example {name}=0.2. "
            f"Received: {name}={dropout!r} of type {type(dropout).__name__}."
        )
    if not 0 <= dropout < 1:
        raise ValueError(
            f"`{name}` is the fraction of features to drop, so it must lie "
            f"in [0, 1). Received: {name}={dropout!r}."
        )


def check_hidden_units(hidden_units: object) -> None:
    """Raises unless `hidden_units` is a list or tuple of layer widths.

    Args:
        hidden_units: Width of each hidden layer, from input to output.

    Raises:
        TypeError: For anything but a list or tuple of integers.
        ValueError: For a width below 1.
    """
    if isinstance(hidden_units, numbers.Integral):
        raise TypeError(
            "`hidden_units` holds one width for each hidden layer. For one "
            f"layer write hidden_units=({hidden_units!r},). "
            f"Received: hidden_units={hidden_units!r}."
        )
    if not isinstance(hidden_units, (list, tuple)):
        raise TypeError(
            "`hidden_units` must be a list or tuple of positive integers, "
            "for example hidden_units=(256, 128). Received: "
            f"hidden_units={hidden_units!r} of type "
            f"{type(hidden_units).__name__}."
        )
    for index, units in enumerate(hidden_units):
        check_positive_int(f"hidden_units[{index}]", units)


def check_choice(
    name: str, value: object, choices: Sequence[str | None]
) -> None:
    """Raises unless `value` is one of `choices`, suggesting the nearest one.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.
        choices: The accepted values.

    Raises:
        TypeError: For a value that is neither a string nor a choice.
        ValueError: For a string that is not a choice.
    """
    if any(value is choice for choice in choices if choice is None):
        return
    expected = f"Expected one of {', '.join(map(repr, choices))}. "
    if not isinstance(value, str):
        raise TypeError(
            f"`{name}` must be a string. {expected}"
            f"Received: {name}={value!r} of type {type(value).__name__}."
        )
    if value in choices:
        return
    words = [choice for choice in choices if choice is not None]
    raise ValueError(
        f"Unknown `{name}`. {expected}Received: {name}={value!r}."
        + names.did_you_mean(value, words)
    )


def check_activation(
    name: str, value: object, extra: tuple[str | None, ...] = ()
) -> None:
    """Raises unless `value` names an activation of `keras.activations`.

    Only names are accepted: a function could not be read back from a file by
    a process that lacks its source.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.
        extra: Values accepted besides the names. Defaults to none.

    Raises:
        TypeError: For anything but a string.
        ValueError: For a string that Keras does not know.
    """
    not_activations = {"deserialize", "get", "serialize"}
    activations = sorted(
        word
        for word in dir(keras.activations)
        if not word.startswith("_") and word not in not_activations
    )
    check_choice(name, value, (*extra, *activations))
