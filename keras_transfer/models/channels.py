"""Adaptation of pretrained weights to images of other than three channels."""

import keras
import numpy as np

from keras_transfer.saving import weights


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies the weights of a 3-channel network to one with other channels.

    Only the first convolution differs: for one channel its kernel is the sum
    over the three, so that a gray image gives what its RGB copy would give.
    For more channels the three are repeated and scaled by `3 / channels`,
    which keeps the size of the activations. Statistics of the three channels,
    where a network normalizes its input itself, follow in the same manner.

    Args:
        source: The pretrained network.
        target: The same architecture with another number of input channels.

    Raises:
        ValueError: If the networks differ in more than the input channels.
    """
    channels = target.inputs[0].shape[-1]
    adapted = []
    for old, new in zip(source.weights, target.weights, strict=True):
        value = keras.ops.convert_to_numpy(old)
        if old.shape != new.shape:
            value = _adapt(value, channels)
        if value.shape != tuple(new.shape):
            raise ValueError(
                f"Cannot adapt the weight {old.path!r} of shape "
                f"{value.shape} to {channels} input channels: expected "
                f"{tuple(new.shape)}. Use images of 3 channels."
            )
        adapted.append(value)
    weights.assign_weights(target, adapted)


def _adapt(value, channels):
    is_kernel = value.ndim >= 2
    axis = -2 if is_kernel else -1
    if value.ndim == 0 or value.shape[axis] != 3:
        return value
    if channels == 1:
        reduce = np.sum if is_kernel else np.mean
        return reduce(value, axis=axis, keepdims=True)
    repeated = np.take(value, [i % 3 for i in range(channels)], axis=axis)
    return repeated * (3 / channels) if is_kernel else repeated
