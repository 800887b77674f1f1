"""Convolutions of one group per channel as the depthwise ones that they are."""

from collections.abc import Callable
from typing import Any

import keras

from keras_transfer.exporting.layer_copies import with_weights


def as_depthwise(layer: Any, name: str) -> Callable[..., Any] | None:
    """Returns a `DepthwiseConv2D` that computes what a `Conv2D` does.

    ConvNeXt is made of such convolutions. With TensorFlow, Keras compiles every
    convolution in groups by XLA, which tf2onnx cannot look into; depthwise
    ones it does not.

    Args:
        layer: A layer of the model, or an operation.
        name: Name of the copy.

    Returns:
        A call that gives the new layer its weights, or `None` where the layer
        is no such convolution.
    """
    if type(layer) is not keras.layers.Conv2D or layer.groups == 1:
        return None
    height, width, per_group, filters = layer.kernel.shape
    # TensorFlow's depthwise kernels take one stride for both axes.
    if per_group != 1 or layer.strides[0] != layer.strides[1]:
        return None
    multiplier = filters // layer.groups
    kernel, *bias = layer.get_weights()
    depthwise = keras.layers.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        layer.padding,
        multiplier,
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
        activation=layer.activation,
        use_bias=layer.use_bias,
        dtype="float32",
        name=name,
    )
    # Filters are in the order of the channels in both.
    kernel = kernel.reshape(height, width, layer.groups, multiplier)
    return with_weights(depthwise, [kernel, *bias])
