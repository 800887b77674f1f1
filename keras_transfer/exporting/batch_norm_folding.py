"""BatchNormalization folded into the layer before it."""

import collections
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_transfer.exporting import layer_copies
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import own_calls

# Which of its weights makes the outputs, and on which axes they lie there.
# Exactly these classes: a subclass may do more.
_KERNELS = {
    keras.layers.Dense: ("kernel", (-1,)),
    keras.layers.Conv1D: ("kernel", (-1,)),
    keras.layers.Conv2D: ("kernel", (-1,)),
    keras.layers.Conv3D: ("kernel", (-1,)),
    keras.layers.Conv1DTranspose: ("kernel", (-2,)),
    keras.layers.Conv2DTranspose: ("kernel", (-2,)),
    keras.layers.Conv3DTranspose: ("kernel", (-2,)),
    keras.layers.DepthwiseConv1D: ("kernel", (-2, -1)),
    keras.layers.DepthwiseConv2D: ("kernel", (-2, -1)),
    keras.layers.SeparableConv1D: ("pointwise_kernel", (-1,)),
    keras.layers.SeparableConv2D: ("pointwise_kernel", (-1,)),
}


class Folded(NamedTuple):
    """A model without those normalizations that could be folded.

    Args:
        model: The new model.
        folded: Number of BatchNormalization layers that are gone.
        kept: Number of those that remain.
    """

    model: keras.Model
    folded: int
    kept: int


def fold_batch_norms(model: keras.Model) -> Folded:
    """Folds each BatchNormalization into the layer before it, where exact.

    At inference `gamma * (Wx + b - mean) / deviation + beta` is again
    `W'x + b'`. That holds only where the normalization comes right after a
    linear layer whose output nothing else reads, where both are called once,
    and over the channels of that output. One that precedes a convolution is
    kept: its offset would have to reach into the padding.

    Args:
        model: A flat Functional model in float32.
    """
    pairs = _pairs(model)
    normalizations = [
        call.operation
        for call in own_calls(model)
        if type(call.operation) is keras.layers.BatchNormalization
    ]
    folded = {id(normalization) for normalization in pairs.values()}

    def replace(operation, name):
        if id(operation) in folded:
            return lambda inputs, **options: inputs
        if operation in pairs:
            return _folded(operation, pairs[operation], name)
        return layer_copies.faithful(operation, name)

    kept = len({id(n) for n in normalizations}) - len(folded)
    if not pairs:
        return Folded(model, 0, kept)
    return Folded(layer_copies.replay(model, replace), len(folded), kept)


def _pairs(model) -> dict[Any, Any]:
    """Maps linear layers to the normalization that can go into them."""
    calls = own_calls(model)
    counts = collections.Counter(id(call.operation) for call in calls)
    readers = collections.Counter(ref for call in calls for ref in call.inputs)
    readers.update(Ref((), tensor) for tensor in model.outputs)
    makers = {ref: call.operation for call in calls for ref in call.outputs}
    pairs = {}
    for call in calls:
        normalization = call.operation
        if type(normalization) is not keras.layers.BatchNormalization:
            continue
        ref = call.inputs[0]
        linear = makers.get(ref)
        if (
            len(call.inputs) == 1
            and readers[ref] == 1
            and counts[id(normalization)] == counts[id(linear)] == 1
            and _is_linear(linear)
            and _channel_axis(linear, ref.spec)
            == normalization.axis % len(ref.spec.shape)
        ):
            pairs[linear] = normalization
    return pairs


def _is_linear(layer):
    return (
        type(layer) in _KERNELS
        and layer.activation is keras.activations.linear
        and not getattr(layer, "lora_enabled", False)
        and getattr(layer, "quantization_mode", None) is None
        and layer.compute_dtype == "float32"
    )


def _channel_axis(layer, tensor):
    is_first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if is_first else len(tensor.shape) - 1


def _folded(linear, normalization, name):
    scale, offset = scale_and_offset(normalization)
    kernel_name, axes = _KERNELS[type(linear)]
    arrays = []
    for weight in linear.weights:
        array = keras.ops.convert_to_numpy(weight).astype("float64")
        if weight.name == kernel_name:
            shape = [1] * array.ndim
            for axis in axes:
                shape[axis] = array.shape[axis]
            array = array * scale.reshape(shape)
        elif weight.name == "bias":
            offset = offset + array * scale
            continue
        arrays.append(array.astype("float32"))
    copy = layer_copies.copy_of(linear, name, changes={"use_bias": True})
    # The bias comes last in all of these layers.
    return layer_copies.with_weights(copy, [*arrays, offset.astype("float32")])


def scale_and_offset(
    normalization: keras.layers.BatchNormalization,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a normalization multiplies by and adds at inference.

    Args:
        normalization: A built layer.
    """

    def value(variable):
        if variable is None:
            return None
        return keras.ops.convert_to_numpy(variable).astype("float64")

    deviation = np.sqrt(
        value(normalization.moving_variance) + normalization.epsilon
    )
    gamma = value(normalization.gamma)
    beta = value(normalization.beta)
    scale = (1.0 if gamma is None else gamma) / deviation
    offset = -value(normalization.moving_mean) * scale
    return scale, offset if beta is None else offset + beta
