"""The activation that a layer or an operation ends with."""

from typing import Any

import keras
import numpy as np

# An operation without weights, which only passes on what it is given.
PASSED_ON = "passed on"

_OPERATIONS = {
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "LogSoftmax": "log_softmax",
    "LogSigmoid": "log_sigmoid",
    "Relu": "relu",
    "Relu6": "relu6",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "Elu": "elu",
    "Gelu": "gelu",
    "Silu": "silu",
    "Selu": "selu",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "HardSigmoid": "hard_sigmoid",
}
# Layers whose output is what their `activation` returns.
_ACTIVATED = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.SimpleRNN,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
)
_LINEAR = (keras.layers.BatchNormalization, keras.layers.LayerNormalization)
# Stock classes that run somebody else's code.
_OPAQUE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def kind_of(operation: Any, unknown: str) -> str:
    """Returns the activation that ends an operation of a graph.

    Args:
        operation: A layer or an operation.
        unknown: What to return where nobody can tell.

    Returns:
        The name of an activation, `"linear"` for none, or `PASSED_ON`.
    """
    declared = getattr(operation, "output_activation", None)
    if isinstance(declared, str):
        return declared
    kind = type(operation)
    # Whoever has a `call` of their own may do anything in it.
    code = getattr(
        getattr(kind, "call", kind.__call__), "__module__", ""
    ).split(".")[0]
    if kind.__name__ in _OPAQUE or code not in ("keras", "keras_transfer"):
        return unknown
    if isinstance(operation, keras.layers.TimeDistributed):
        inner = kind_of(operation.layer, unknown)
        return unknown if inner == PASSED_ON else inner
    if isinstance(operation, _ACTIVATED):
        return named(operation.activation, unknown)
    if isinstance(operation, _LINEAR):
        return "linear"
    if kind.__name__ in _OPERATIONS:
        return _OPERATIONS[kind.__name__]
    is_layer = isinstance(operation, keras.layers.Layer)
    return unknown if is_layer and operation.weights else PASSED_ON


def named(activation: Any, unknown: str) -> str:
    """Returns the name of an activation function.

    Args:
        activation: What a layer holds as `activation`.
        unknown: What to return for a function that nobody knows.
    """
    name = getattr(activation, "__name__", "")
    for known in (keras.activations, keras.ops):
        if activation is not None and getattr(known, name, None) is activation:
            return name
    if isinstance(activation, keras.layers.Softmax):
        return "softmax" if activation.axis == -1 else unknown
    if activation is None:
        return "linear"
    if isinstance(activation, keras.layers.Layer):
        return unknown
    numbers = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    made = activation(keras.ops.convert_to_tensor(numbers))
    return resembled(keras.ops.convert_to_numpy(made), numbers, unknown)


def resembled(
    values: np.ndarray, numbers: np.ndarray, unknown: str = "unknown"
) -> str:
    """Returns the activation that makes values of numbers.

    Args:
        values: What was made.
        numbers: What it was made of.
        unknown: What to return for any other.
    """
    powers = np.exp(numbers)
    references = {
        "linear": numbers,
        "softmax": powers / powers.sum(-1, keepdims=True),
        "sigmoid": powers / (1 + powers),
    }
    for name, expected in references.items():
        if values.shape == expected.shape and np.allclose(
            values, expected, atol=1e-3
        ):
            return name
    return unknown
