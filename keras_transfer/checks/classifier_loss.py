"""The loss that a classifier is compiled with, compared with its outputs."""

from typing import Any

import keras

from keras_transfer import compat

_PROBABILITIES = ("softmax", "sigmoid")


def output_activation(model: keras.Model) -> str | None:
    """Returns the name of the activation that ends a model.

    Args:
        model: A model whose last layer is one of our heads or has an
            `activation`.

    Returns:
        `"softmax"`, `"sigmoid"`, another name, or `"linear"` for logits;
        `None` if the last layer does not say.
    """
    last = model.layers[-1]
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    if hasattr(last, "output_activation"):
        return last.output_activation
    if isinstance(last, (keras.layers.Softmax,)):
        return "softmax"
    activation = getattr(last, "activation", None)
    return getattr(activation, "__name__", None)


def loss_name(loss: Any) -> str | None:
    """Returns the name of a loss, or `None` where it has none.

    Args:
        loss: What `compile` takes as `loss`.

    Example:
    >>> loss_name("bce"), loss_name(keras.losses.Huber())
    ('binary_crossentropy', 'huber_loss')
    """
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    name = getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return name if isinstance(name, str) else None


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
'categorical_crossentropy' expects probabilities. Compile with \
kt.compile_for_transfer(model), or with a loss made with from_logits=True.
    """
    is_classifier = compat.is_graph(model) and len(model.outputs) == 1
    if not is_classifier or not is_crossentropy(loss):
        return
    config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    # Custom losses need not have the argument.
    if isinstance(loss, keras.losses.Loss) and "from_logits" not in config:
        return
    from_logits = config.get("from_logits", False)
    activation = output_activation(model)
    if activation == "linear" and not from_logits:
        ends, expects, mend = "logits", "probabilities", "True"
    elif activation in _PROBABILITIES and from_logits:
        ends, expects, mend = "probabilities", "logits", "False"
    else:
        return
    raise ValueError(
        f"The model {model.name!r} ends in {ends}, but the loss "
        f"{loss_name(loss)!r} expects {expects}. Compile with "
        "kt.compile_for_transfer(model), or with a loss made with "
        f"from_logits={mend}."
    )
