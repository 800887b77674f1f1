"""Quantization of the layers in a head, which its file has to tell.

Keras quantizes layers wherever they are, but writes down the data types of
those alone that a model's configuration lists.
"""

from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer import compat


def policies_of(layer: keras.layers.Layer) -> dict[str, Any]:
    """Returns the policies of quantized layers inside a layer, by their names.

    Args:
        layer: A head, whose layers have names of their own.
    """
    return {
        inner.name: keras.dtype_policies.serialize(inner.dtype_policy)
        for inner in compat.sublayers(layer)
        if inner.dtype_policy.quantization_mode is not None
    }


def quantize_as(layer: keras.layers.Layer, policies: Mapping[str, Any]) -> None:
    """Quantizes layers inside a built layer, so that stored weights fit them.

    Args:
        layer: A head with weights, whatever they are.
        policies: What `policies_of` returned.
    """
    for inner in compat.sublayers(layer):
        if inner.name in policies:
            inner.dtype_policy = keras.dtype_policies.deserialize(
                policies[inner.name]
            )
