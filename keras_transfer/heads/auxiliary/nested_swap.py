"""Replacement of a model nested in another one."""

from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.structure import provenance


class Swapped(NamedTuple):
    """A graph in which a nested model was replaced.

    Args:
        model: The new outer model; its layers are those of the old one.
        nested_outputs: What the new nested model returns in it.
    """

    model: keras.Model
    nested_outputs: list[Any]


def with_outputs(nested: keras.Model, outputs: Any) -> keras.Model:
    """Returns a model over the same layers that returns other tensors.

    Args:
        nested: A Functional model.
        outputs: A tensor of its graph, or a list of them.
    """
    model = keras.Model(nested.input, outputs, name=nested.name)
    record = provenance.provenance_of(nested)
    if record is not None:
        provenance.attach(model, record)
    # The flag of a new model is on. It is handed down to all layers, so it is
    # turned off only where nothing in there is open.
    if not nested.trainable and not any(v.trainable for v in nested.weights):
        model.trainable = False
    return model


def swap(model: keras.Model, old: keras.Model, new: keras.Model) -> Swapped:
    """Builds a model anew, over the same layers, around another nested model.

    Args:
        model: A Functional model that calls `old` once.
        old: The nested model to replace.
        new: What replaces it; its first output takes the place of the output.

    Raises:
        ValueError: If `old` is called more than once.
    """
    calls = []

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if layer is new:
            calls.append(outputs)
        return outputs

    # A plain copy of the shell: cloning would try to compile a compiled one.
    shell = keras.Model(model.input, model.output, name=model.name)
    clone = keras.models.clone_model(
        shell,
        clone_function=lambda layer: new if layer is old else layer,
        call_function=call,
    )
    if len(calls) != 1:
        raise ValueError(
            f"The model {model.name!r} calls {old.name!r} {len(calls)} times. "
            "Expected a model that calls its backbone once, such as one from "
            "`build_model`."
        )
    outputs = calls[0] if isinstance(calls[0], (list, tuple)) else [calls[0]]
    return Swapped(clone, list(outputs))
