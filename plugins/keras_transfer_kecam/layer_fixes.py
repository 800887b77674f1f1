"""What must change in kecam's own layers for Keras 3."""

import math
from collections.abc import Callable
from typing import Any

import keras

from keras_transfer_kecam import spectral

# Functions of which kecam makes activations; Keras 3 has them as well, and a
# file that holds Keras's needs nothing else to be loaded.
_STOCK_ACTIVATIONS = {
    "hard_swish": "hard_swish",
    "hard_sigmoid_torch": "hard_sigmoid",
    "mish": "mish",
}


def register(package: str = "", name: str | None = None) -> Callable:
    """Stands for `register_keras_serializable` in kecam's sources.

    Two modules of kecam have a class of one name, so the module that a class
    is defined in takes the place of the package.

    Args:
        package: Ignored.
        name: Name to register the class by. Defaults to its own.
    """

    def decorate(value: Any) -> Any:
        if not isinstance(value, type):
            stock = _STOCK_ACTIVATIONS.get(value.__name__)
            return getattr(keras.activations, stock) if stock else value
        if issubclass(value, keras.layers.Layer):
            _infer_dense(value)
        if value.__name__ == "ComplexDense":
            spectral.mend(value)
        if issubclass(value, keras.layers.Conv2D):
            # Keras's convolutions save kernel and bias only; NFNet's kind
            # has a gain as well.
            value.save_own_variables = keras.layers.Layer.save_own_variables
            value.load_own_variables = keras.layers.Layer.load_own_variables
        decorator = keras.saving.register_keras_serializable(
            registered_package(value.__module__), name
        )
        return decorator(value)

    return decorate


def registered_package(module: str) -> str:
    """Returns the package that the classes of a module are registered under.

    It stands in saved files, so it must never change.

    Example:
    >>> registered_package("keras_cv_attention_models.beit.beit")
    'kecam.beit'
    """
    return f"kecam.{module.rpartition('.')[2]}"


def softmax_of_five_axes(axis: int = -1, **options: Any) -> Callable:
    """Stands for the layer `Softmax`, which TensorFlow refuses for six axes.

    Args:
        axis: Axis to normalize.
        **options: Further arguments of the layer.
    """
    layer = keras.layers.Softmax(axis, **options)

    def call(x):
        if len(x.shape) < 6 or axis != -1:
            return layer(x)
        _, first, *middle, last = x.shape
        merged = (-1, first, math.prod(middle), last)
        whole = (-1, first, *middle, last)
        return keras.ops.reshape(layer(keras.ops.reshape(x, merged)), whole)

    return call


def _infer_dense(layer_class):
    """Lets a layer infer shapes of dense tensors only.

    Keras 3.15 takes `tensor * 0.5` for sparse while it builds a graph (its
    `Multiply` reads the missing flag of a number as true), and a layer without
    shape rules of its own fails on a sparse tensor.
    """
    infer = layer_class.compute_output_spec

    def dense(x):
        if isinstance(x, keras.KerasTensor) and x.sparse:
            return keras.KerasTensor(x.shape, x.dtype)
        return x

    def compute_output_spec(self, *args, **kwargs):
        args, kwargs = keras.tree.map_structure(dense, (args, kwargs))
        return infer(self, *args, **kwargs)

    layer_class.compute_output_spec = compute_output_spec
