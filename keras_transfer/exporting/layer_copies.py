"""Copies of layers and of whole graphs: same weights, other names."""

import itertools
from collections.abc import Callable
from typing import Any

import keras

from keras_transfer.freezing.lora import merged_weights
from keras_transfer.structure import graph
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import EnterModel
from keras_transfer.structure.graph import Graph
from keras_transfer.structure.replay import run

# Half precision is for training; `float64` no runtime has kernels for.
_OTHER_FLOATS = (
    "mixed_float16",
    "mixed_bfloat16",
    "float16",
    "bfloat16",
    "float64",
)


def replay(
    model: keras.Model,
    replace: Callable[[Any, str], Callable[..., Any]],
    look_inside: Callable[[Call], Graph | None] = lambda call: None,
    input_dtype: str | None = None,
) -> keras.Model:
    """Builds a flat model by making the calls of a graph once more.

    Nothing of the old model is touched or shared, unless `replace` returns it.
    Nested models are resolved into their calls.

    Args:
        model: A Functional or a built Sequential model with one input.
        replace: Called once for each operation with the operation and the
            name, unique in the new model, that it may bear there; returns what
            is called in its place.
        look_inside: Called once for each operation that is no model with one
            of its calls; returns the graph to replay in its place or `None`.
        input_dtype: Dtype of the new input. Defaults to the old one's.

    Returns:
        A Functional model of the same name; several outputs are a list.
    """
    found: dict[int, Graph | None] = {}

    def inside(call):
        inner = graph.graph_inside(call)
        if inner is None and id(call.operation) not in found:
            found[id(call.operation)] = look_inside(call)
        return inner or found.get(id(call.operation))

    flat = graph.flatten(model, inside)
    names = {model.inputs[0].name}
    made: dict[int, Callable[..., Any]] = {}

    def call(step):
        operation = step.operation
        if isinstance(operation, EnterModel):
            return lambda tensor: tensor
        if id(operation) not in made:
            name = _unused(operation.name, step.around, names)
            names.add(name)
            made[id(operation)] = replace(operation, name)
        return lambda *args, **kwargs: made[id(operation)](
            *keras.tree.map_structure(_as_constant, args),
            **keras.tree.map_structure(_as_constant, kwargs),
        )

    old = model.inputs[0]
    image = keras.Input(
        batch_shape=old.shape, dtype=input_dtype or old.dtype, name=old.name
    )
    values = {flat.inputs[0]: image}
    run(flat.steps, values, call)
    outputs = [values[ref] for ref in flat.outputs]
    return keras.Model(
        image, outputs if len(outputs) > 1 else outputs[0], name=model.name
    )


def _as_constant(leaf):
    if isinstance(leaf, keras.Variable) or keras.ops.is_tensor(leaf):
        # Weights that a layer computes with by itself become constants, which
        # a saved file can hold.
        return keras.ops.convert_to_numpy(leaf)
    return leaf


def _unused(name, around, names):
    """A name that no operation bears yet, with its owner's if need be.

    What lies inside a layer, unlike inside a model, always bears the layer's.
    """
    owners = [node.operation for node in around]
    layers = [o.name for o in owners if not isinstance(o, keras.Model)]
    name = "_".join([*layers, name])
    owner = [f"{owners[-1].name}_{name}"] if owners else []
    numbered = (f"{name}_{number}" for number in itertools.count(1))
    candidates = itertools.chain([name], owner, numbered)
    return next(c for c in candidates if c not in names)


def copy_of(
    operation: Any,
    name: str,
    *,
    as_float32: bool = False,
    changes: dict[str, Any] | None = None,
) -> Any:
    """Returns a copy of a layer or an operation, without its weights.

    The copy has no adapters: `merged_weights` are its weights.

    Args:
        operation: A layer or a `keras.ops` operation of a graph.
        name: Name of the copy.
        as_float32: Whether the copy computes in float32 whatever the policy of
            the original.
        changes: Values of its configuration that are others in the copy.
    """
    if isinstance(operation, keras.layers.Lambda):
        # Keras refuses to make one of a configuration, and it has no weights.
        return operation
    config = {**operation.get_config(), "name": name, **(changes or {})}
    config = _without_adapters(config)
    if as_float32:
        config = _with_float32(config)
    return type(operation).from_config(config)


def _without_adapters(config: Any) -> Any:
    """A configuration whose layers have no adapters."""
    if isinstance(config, (list, tuple)):
        return type(config)(map(_without_adapters, config))
    if not isinstance(config, dict):
        return config
    return {
        key: _without_adapters(value)
        for key, value in config.items()
        if key not in ("lora_rank", "lora_alpha")
    }


def with_weights(
    copy: keras.layers.Layer, weights: list[Any]
) -> Callable[..., Any]:
    """Returns a call of a copy that gives it weights once it is built.

    Args:
        copy: A layer that may not be built yet.
        weights: Arrays in the order of the layer's weights.
    """
    is_done = False

    def call(*args, **kwargs):
        nonlocal is_done
        outputs = copy(*args, **kwargs)
        if not is_done:
            copy.set_weights(weights)
            if isinstance(copy, keras.layers.Normalization):
                copy.finalize_state()
            is_done = True
        return outputs

    return call


def faithful(
    operation: Any, name: str, *, as_float32: bool = False
) -> Callable[..., Any]:
    """Returns a copy that computes what the original computes.

    Args:
        operation: A layer or an operation.
        name: Name of the copy.
        as_float32: As for `copy_of`.
    """
    copy = copy_of(operation, name, as_float32=as_float32)
    weights = getattr(operation, "weights", None)
    if not weights or copy is operation:
        return copy
    return with_weights(copy, merged_weights(operation))


def _with_float32(config):
    if isinstance(config, list):
        return [_with_float32(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        name = config["config"]["name"]
        return "float32" if name in _OTHER_FLOATS else config
    return {
        key: "float32"
        if key == "dtype" and value in _OTHER_FLOATS
        else _with_float32(value)
        for key, value in config.items()
    }
