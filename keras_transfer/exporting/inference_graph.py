"""The part of a model that computes predictions, ready for export."""

import inspect
import math
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.exporting import composites
from keras_transfer.exporting import layer_copies
from keras_transfer.exporting.batch_norm_folding import fold_batch_norms
from keras_transfer.freezing.lora import merged_weights

# They return their input at inference. Exactly these classes: a subclass may
# do something else.
_TRAINING_ONLY = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)


class InferenceGraph(NamedTuple):
    """A model reduced to its predictions.

    Args:
        model: A flat Functional model in float32.
        folded: Number of BatchNormalization layers folded into others.
        kept: Number of BatchNormalization layers that remain.
        dtypes: Precisions other than float32 that the model computes in.
    """

    model: keras.Model
    folded: int
    kept: int
    dtypes: tuple[str, ...]


def inference_graph(model: keras.Model) -> InferenceGraph:
    """Builds the flat float32 graph from images to predictions.

    Dropout and auxiliary heads are removed, all other layers are called with
    `training=False`, normalization becomes `Rescaling`, convolutions with one
    group per channel become depthwise, and BatchNormalization is folded where
    that is exact.

    Args:
        model: A model that passes `check_exportable`.
    """
    input_dtype = model.inputs[0].dtype
    flat = layer_copies.replay(
        model,
        _replacement,
        look_inside=composites.Expansion(as_float32=True),
        input_dtype="float32" if "float" in input_dtype else input_dtype,
    )
    folded = fold_batch_norms(flat)
    dtypes = {
        layer.compute_dtype
        for layer in compat.sublayers(model)
        if layer.weights and "float" in layer.compute_dtype
    }
    return InferenceGraph(*folded, tuple(sorted(dtypes - {"float32"})))


def _replacement(operation, name):
    if type(operation) in _TRAINING_ONLY:
        return lambda inputs, **options: inputs
    if type(operation) is keras.layers.Normalization:
        rescaling = _as_rescaling(operation, name)
        if rescaling is not None:
            return rescaling
    depthwise = _as_depthwise(operation, name)
    if depthwise is not None:
        return depthwise
    copy = layer_copies.faithful(operation, name, as_float32=True)
    if _takes_training(operation):
        return lambda *args, **options: copy(
            *args, **{**options, "training": False}
        )
    return copy


def _takes_training(operation: Any) -> bool:
    return (
        isinstance(operation, keras.layers.Layer)
        and "training" in inspect.signature(operation.call).parameters
    )


def _as_rescaling(layer, name):
    """The same as `Rescaling`, which has no weights.

    Exported to ONNX, the mean and variance of a `Normalization` become inputs
    that a client would have to send.
    """
    mean, variance = (
        keras.ops.convert_to_numpy(value).astype("float64")
        for value in (layer.mean, layer.variance)
    )
    lengths = mean.shape[:-1]
    if math.prod(lengths) != 1:
        return None  # Not over the last axis: Rescaling cannot do that.
    mean, variance = mean.reshape(-1), variance.reshape(-1)
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        scale, offset = deviation, mean
    else:
        scale, offset = 1 / deviation, -mean / deviation
    return keras.layers.Rescaling(
        scale.tolist(), offset.tolist(), dtype="float32", name=name
    )


def _as_depthwise(operation, name):
    """The `DepthwiseConv2D` that computes the same as a `Conv2D`, if any.

    Keras compiles convolutions with groups by XLA, which tf2onnx cannot read;
    ConvNeXt has them, with a group for each channel.
    """
    if type(operation) is not keras.layers.Conv2D or operation.groups == 1:
        return None
    weights = merged_weights(operation)
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
    return layer_copies.with_weights(copy, [kernel, *weights[1:]])
