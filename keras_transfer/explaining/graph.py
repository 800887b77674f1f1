"""The graph that is explained: of any model, from any tensor to any other."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import names
from keras_transfer.extraction.plan import trace
from keras_transfer.heads.auxiliary import model as auxiliary_model
from keras_transfer.structure import output_records
from keras_transfer.structure.graph import FlatModel
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import has_graph
from keras_transfer.structure.graph import origin
from keras_transfer.structure.replay import leading
from keras_transfer.structure.replay import run


def graph_model(model: keras.Model) -> keras.Model:
    """Returns a model with a static graph that computes the same.

    A Functional or Sequential model is returned itself, without its auxiliary
    heads; the `call` of a subclassed one is traced with symbolic images.

    Args:
        model: Any built Keras model.

    Raises:
        ValueError: If the model is not built or cannot be traced.
        TypeError: If `model` is no Keras model.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. Received: {model!r} of type "
            f"{type(model).__name__}."
        )
    if isinstance(model, auxiliary_model.AuxiliaryModel):
        return auxiliary_model.without_auxiliary_heads(model)
    if has_graph(model):
        return model
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built, so it has no weights "
            "to explain. Call it on images or load its weights first."
        )
    traced = trace(model)
    if traced.model is None:
        raise ValueError(
            "Explanations follow the graph of a model, but the subclassed "
            f"model {model.name!r} cannot be traced with symbolic tensors: "
            f"{traced.obstacle}. Write its `call` with Keras layers and "
            "keras.ops, without branches that depend on values."
        )
    return traced.model


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
    found = output_records.output_names(model)
    return list(model.output_names) if found == [None] else found


def compute(
    flat: FlatModel,
    inputs: Sequence[Any],
    wanted: Sequence[Ref],
    given: Mapping[Ref, Any] | None = None,
    around: Callable[[Any], Callable[..., Any]] = lambda step: step.operation,
) -> list[Any]:
    """Computes tensors inside a model from its inputs, in inference mode.

    The model is not changed and gains no nodes. What only leads to a `given`
    tensor is not computed, so that a gradient with respect to it costs no
    more than the rest of the network.

    Args:
        flat: The calls of the model.
        inputs: Values of the model's inputs.
        wanted: The tensors to compute.
        given: Values that stand in for what the model would compute.
        around: Returns what to call in a step. Defaults to its operation.

    Returns:
        One value for each wanted tensor.
    """
    values = dict(zip(flat.inputs, inputs, strict=True))
    values.update((origin(ref), value) for ref, value in (given or {}).items())
    refs = [origin(ref) for ref in wanted]
    steps = leading(flat.steps, refs, values)
    run(steps, values, lambda step: _resting(around(step)))
    return [values[ref] for ref in refs]


def _resting(operation):
    """Calls an operation so that dropout and statistics rest, as `predict`."""

    def call(*args, **kwargs):
        if "training" in kwargs:
            kwargs["training"] = False
        return operation(*args, **kwargs)

    return call
