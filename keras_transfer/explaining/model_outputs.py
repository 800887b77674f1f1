"""Which of a model's outputs is explained."""

from typing import Any

import keras

from keras_transfer import names


def output_of(model: keras.Model, output: str | int | None) -> Any:
    """Returns a symbolic output of a model.

    Args:
        model: A model with a static graph.
        output: Its name or number; `None` where there is only one.

    Raises:
        ValueError: If there are several and none, or an unknown one, is
            chosen.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> output_of(model, None).shape
    (None, 2)
    """
    if output is None and len(model.outputs) == 1:
        return model.outputs[0]
    known = output_names(model)
    if isinstance(output, str) and output in known:
        return model.outputs[known.index(output)]
    is_number = isinstance(output, int) and not isinstance(output, bool)
    if is_number and 0 <= output < len(model.outputs):
        return model.outputs[output]
    if output is None:
        raise ValueError(
            f"The model {model.name!r} has {len(known)} outputs: say which "
            f"one to explain, `output=` one of {known}."
        )
    raise ValueError(
        f"The model {model.name!r} has no output {output!r}. Expected one of "
        f"{known} or a number below {len(known)}."
        + names.did_you_mean(str(output), known)
    )


def output_names(model: keras.Model) -> list[str]:
    """Returns the names of a model's outputs, in order.

    Keys where the model returns a dictionary, else the names of the layers.
    """
    # A Sequential model refuses to tell its output, but has only one.
    structure = getattr(model, "output", None)
    if isinstance(structure, dict):
        return sorted(structure)
    return list(model.output_names)
