"""The loss of each output of a model, compared with what the output is."""

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.checks.outputs import UNKNOWN
from keras_transfer.checks.outputs import Output
from keras_transfer.checks.outputs import is_readable
from keras_transfer.checks.outputs import outputs_of

_PROBABILITIES = ("softmax", "sigmoid", "ordinal")


class Trained(NamedTuple):
    """An output with the loss that trains it.

    Args:
        output: The output; of unknown kind and shape where there is no graph.
        loss: What `compile` takes as `loss` for it; `None` for none.
    """

    output: Output
    loss: Any


def trained_outputs(model: keras.Model, loss: Any) -> list[Trained]:
    """Returns the outputs of a model with their losses, in order.

    Args:
        model: Any model.
        loss: What it is or will be compiled with.
    """
    if not is_readable(model):
        names = [*loss] if isinstance(loss, Mapping) else [None]
        outputs = [Output(name, UNKNOWN, ()) for name in names]
    else:
        outputs = outputs_of(model)
    if isinstance(loss, Mapping):
        sole = loss.get(outputs[0].name) if len(outputs) == 1 else None
        if sole is None and len(outputs) == len(loss) == 1:
            (sole,) = loss.values()
        if len(outputs) == 1:
            return [Trained(outputs[0], sole)]
        return [Trained(output, loss.get(output.name)) for output in outputs]
    if isinstance(loss, (list, tuple)):
        pairs = zip(outputs, loss, strict=False)
        return [Trained(output, one) for output, one in pairs]
    return [Trained(output, loss) for output in outputs]


def loss_name(loss: Any) -> str | None:
    """Returns the name of a loss, or `None` where it has none.

    Args:
        loss: What `compile` takes as `loss`.

    Example:
    >>> loss_name("bce"), loss_name(keras.losses.Huber())
    ('binary_crossentropy', 'huber')
    """
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss) and type(loss).__module__.startswith(
        "keras."
    ):
        # Users may call an instance whatever they like.
        loss = getattr(loss, "fn", loss)
    name = getattr(loss, "__name__", None) or getattr(loss, "name", None)
    return name if isinstance(name, str) else None


def setting(loss: Any, name: str, default: Any = None) -> Any:
    """Returns an argument that a loss was made with.

    Args:
        loss: What `compile` takes as `loss`.
        name: Name of the argument, such as `"from_logits"`.
        default: What to return for a loss without it.
    """
    config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    return config.get(name, default)


def is_crossentropy(loss: Any) -> bool:
    """Whether a loss compares probabilities of classes.

    Args:
        loss: What `compile` takes as `loss`.
    """
    return (loss_name(loss) or "").endswith("crossentropy")


def check_loss(model: keras.Model, loss: Any) -> None:
    """Raises for logits with a loss for probabilities, or the reverse.

    Keras trains such models without an error, but they do not learn properly.

    Args:
        model: A classifier.
        loss: What it is or will be compiled with.

    Raises:
        ValueError: With the loss that fits.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3)], name="tiny")
    >>> check_loss(model, "categorical_crossentropy")
    Traceback (most recent call last):
    ...
    ValueError: The model 'tiny' ends in logits, but the loss \
'categorical_crossentropy' expects probabilities. Compile with a loss made \
with from_logits=True.
    """
    if loss is None or not is_readable(model):
        return
    for output, one in trained_outputs(model, loss):
        if is_crossentropy(one):
            _check_output(model, output, one)


def _check_output(model, output, loss):
    is_object = isinstance(loss, keras.losses.Loss)
    # Custom losses need not have the argument.
    if is_object and setting(loss, "from_logits") is None:
        return
    from_logits = setting(loss, "from_logits", False)
    if output.kind == "linear" and not from_logits:
        ends, expects, mend = "logits", "probabilities", "True"
    elif output.kind in _PROBABILITIES and from_logits:
        ends, expects, mend = "probabilities", "logits", "False"
    else:
        return
    what = f"The model {model.name!r} ends"
    if output.name is not None:
        what = f"The output {output.name!r} of {model.name!r} ends"
    raise ValueError(
        f"{what} in {ends}, but the loss {loss_name(loss)!r} expects "
        f"{expects}. Compile with a loss made with from_logits={mend}."
    )
