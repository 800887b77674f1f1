"""The steps of a model, and parts of it that run and are known by a digest."""

import dataclasses
import hashlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.feature_store.fingerprint import digest_of_config
from keras_transfer.heads.classification_head import ClassificationHead
from keras_transfer.structure import graph
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import EnterModel
from keras_transfer.structure.graph import FlatModel
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.replay import run

# Layers of Keras whose code is the user's, or that pass on masks.
_UNKNOWN = (
    keras.layers.Embedding,
    keras.layers.FlaxLayer,
    keras.layers.JaxLayer,
    keras.layers.Lambda,
    keras.layers.Masking,
    keras.layers.TFSMLayer,
    keras.layers.TorchModuleWrapper,
)
# Operations that treat every row by itself, whatever their arguments.
_ROW_BY_ROW = ("Absolute", "Add", "Divide", "Multiply", "Negative", "Subtract")


def flatten(model: keras.Model) -> FlatModel:
    """Lists the steps of a model, those of nested models included.

    A head is taken apart as well: its `steps` are layers that the features
    pass through one after the other.

    Args:
        model: A model with a static graph.

    Raises:
        ValueError: If the model has no static graph.
    """
    if not compat.is_graph(model):
        raise ValueError(
            f"The model {model.name!r} has no graph that could be divided: it "
            "is subclassed, or a Sequential that has not seen data. Expected "
            "a Functional model, as kt.build_model makes it."
        )
    flat = graph.flatten(model)
    steps = tuple(link for step in flat.steps for link in _links(step))
    return FlatModel(steps, flat.inputs, flat.outputs)


class GraphPart(keras.Model):
    """Runs some of the steps of a model, with its very layers.

    It is a view for computing and is not saved: the model that it is a part
    of is.

    Args:
        steps: What to run, in order.
        inputs: The tensors that it is called with.
        outputs: The tensors that it returns.
        name: Name of the part.

    Call arguments:
        inputs: A list of tensors, one for each of `inputs`.
        training: Whether layers behave as in training.

    Returns:
        A list of tensors, one for each of `outputs`.
    """

    def __init__(
        self,
        steps: Sequence[Call],
        inputs: Sequence[Ref],
        outputs: Sequence[Ref],
        name: str,
    ):
        super().__init__(name=name)
        # Past Keras's tracking, which would wrap the lists.
        object.__setattr__(self, "steps", tuple(steps))
        object.__setattr__(self, "input_refs", tuple(inputs))
        object.__setattr__(self, "output_refs", tuple(outputs))
        found = {
            id(step.operation): step.operation
            for step in steps
            if isinstance(step.operation, keras.layers.Layer)
        }
        self.parts = list(found.values())
        self.built = True

    def call(self, inputs, training=None):
        values = dict(zip(self.input_refs, inputs, strict=True))
        run(self.steps, values, lambda step: told(step.operation, training))
        return [values[ref] for ref in self.output_refs]


def told(operation: Any, training: bool | None) -> Callable[..., Any]:
    """Returns an operation as a function that knows whether it trains.

    Args:
        operation: A layer or an operation.
        training: What `fit` would tell it; `None` for what was recorded.
    """
    if training is None or not compat.takes_training(operation):
        return operation

    def call(*args, **kwargs):
        # As Keras does: what `fit` says goes before what was recorded.
        return operation(*args, **{**kwargs, "training": training})

    return call


def _links(step):
    """A head as a call of each of its layers; any other step as it is."""
    operation = step.operation
    if not _is_chain(operation):
        return [step]
    (current,) = step.inputs
    links = []
    for layer in operation.steps:
        is_last = layer is operation.steps[-1]
        spec = keras.KerasTensor(
            layer.compute_output_shape(current.spec.shape),
            dtype=layer.compute_dtype,
        )
        following = step.outputs[0] if is_last else Ref(current.calls, spec)
        links.append(
            dataclasses.replace(
                step,
                operation=layer,
                arguments=((current,), {}),
                inputs=(current,),
                outputs=(following,),
            )
        )
        current = following
    return links


def _is_chain(operation):
    # A subclass may do something else with its layers.
    return (
        isinstance(operation, ClassificationHead)
        and type(operation).call is ClassificationHead.call
        and operation.activity_regularizer is None
    )


def is_known(step: Call) -> bool:
    """Whether all code of a step is known, and treats rows by themselves."""
    operation = step.operation
    if isinstance(operation, keras.layers.Layer):
        return all(map(_is_stock, compat.sublayers(operation)))
    name = type(operation).__name__
    return isinstance(operation, EnterModel) or name in _ROW_BY_ROW


def _is_stock(layer):
    names = ("activation", "recurrent_activation")
    functions = [getattr(layer, name, None) for name in names]
    origins = {
        (getattr(each, "__module__", None) or "").partition(".")[0]
        for each in [type(layer), *functions]
        if callable(each)
    }
    axes = [getattr(layer, name, None) for name in ("axis", "axes")]
    return (
        origins <= {"keras", "keras_transfer"}
        and not isinstance(layer, _UNKNOWN)
        and 0 not in keras.tree.flatten(axes)  # Over the rows of a batch.
    )


def fingerprint_part(part: GraphPart) -> dict[str, str]:
    """Returns digests of what a part computes, the same in every process.

    Like `fingerprint_model` for a whole model: names, trainable flags and the
    code of custom layers do not count.

    Args:
        part: The part.

    Returns:
        Dictionary with `"graph"` and `"weights"`, as stores expect it.
    """
    return {"graph": _digest_of_graph(part), "weights": digest_of_weights(part)}


def digest_of_weights(model: keras.Model) -> str:
    """Returns a digest of the values of a model's weights."""
    digest = hashlib.blake2b(digest_size=32)
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(values.reshape(-1).view("uint8"))
    return digest.hexdigest()


def _digest_of_graph(part):
    numbers = {ref: number for number, ref in enumerate(part.input_refs)}
    config: list[Any] = [
        [list(ref.spec.shape[1:]), ref.spec.dtype] for ref in part.input_refs
    ]
    for step in part.steps:
        arguments = keras.tree.map_structure(
            lambda leaf: f"#{numbers[leaf]}" if isinstance(leaf, Ref) else leaf,
            step.arguments,
        )
        config.append([_config_of(step.operation), _as_lists(arguments)])
        for ref in step.outputs:
            numbers[ref] = len(numbers)
    config.append([numbers[ref] for ref in part.output_refs])
    return digest_of_config(config)


def _config_of(operation):
    if isinstance(operation, EnterModel):
        return ["enter", operation.dtype]
    try:
        return keras.saving.serialize_keras_object(operation)
    except NotImplementedError:
        return [type(operation).__qualname__, type(operation).__module__]


def _as_lists(arguments):
    args, kwargs = arguments
    return [list(args), dict(kwargs)]
