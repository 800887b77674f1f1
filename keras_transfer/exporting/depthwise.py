"""Convolutions of single channels, as the layer that every format knows."""

from collections.abc import Callable
from typing import Any

import keras

from keras_transfer.exporting.layer_copies import with_weights


def as_depthwise(operation: Any, name: str) -> Callable[..., Any] | None:
    """Returns a `DepthwiseConv2D` that computes what a `Conv2D` computes.

    Keras compiles convolutions with groups by XLA, which tf2onnx cannot read;
    ConvNeXt has them, with a group for each channel.

    Args:
        operation: A layer or an operation.
        name: Name of the new layer.

    Returns:
        A call of it, or `None` if the operation is no such convolution.
    """
    if type(operation) is not keras.layers.Conv2D or operation.groups == 1:
        return None
    weights = operation.get_weights()
    height, width, per_group, filters = weights[0].shape
    rows, columns = operation.strides
    if (
        per_group != 1
        or rows != columns
        or len(weights) != 1 + operation.use_bias
    ):
        return None
    copy = keras.layers.DepthwiseConv2D(
        operation.kernel_size,
        strides=operation.strides,
        padding=operation.padding,
        depth_multiplier=filters // operation.groups,
        data_format=operation.data_format,
        dilation_rate=operation.dilation_rate,
        activation=operation.activation,
        use_bias=operation.use_bias,
        dtype="float32",
        name=name,
    )
    kernel = weights[0].reshape(height, width, operation.groups, -1)
    return with_weights(copy, [kernel, *weights[1:]])
