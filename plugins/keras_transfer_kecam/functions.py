"""TensorFlow's functions, as kecam calls them, in terms of `keras.ops`."""

import functools
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer_kecam import spectral


def functional_module() -> types.SimpleNamespace:
    """Returns what kecam takes for its module `backend.functional`.

    What is not listed here has the same signature in `keras.ops`.
    """
    own = {
        "clip_by_value": ops.clip,
        "concat": _concat,
        "extract_patches": extract_patches,
        "gather": _gather,
        "gelu": _gelu,
        "irfft2d": spectral.irfft2d,
        "l2_normalize": _l2_normalize,
        "norm": _norm,
        "pad": _pad,
        "pow": ops.power,
        "range": ops.arange,
        "reduce_max": _reduction(ops.max),
        "reduce_mean": _reduction(ops.mean),
        "reduce_min": _reduction(ops.min),
        "reduce_sum": _reduction(ops.sum),
        "resize": _resize,
        "rfft2d": spectral.rfft2d,
        "split": _split,
        "transpose": _transpose,
    }
    public = {
        name: function
        for name, function in vars(ops).items()
        if callable(function) and not name.startswith("_")
    }
    return types.SimpleNamespace(
        **{name: _plain(f) for name, f in {**public, **own}.items()}
    )


def _plain(function: Callable) -> Callable:
    """Drops TensorFlow's `name`; hands on plain Python numbers.

    kecam computes shapes with NumPy, and an operation that holds a NumPy
    number cannot be saved.
    """

    @functools.wraps(function)
    def call(*args, name=None, **kwargs):
        return function(
            *(_python(value) for value in args),
            **{key: _python(value) for key, value in kwargs.items()},
        )

    return call


def _python(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(_python(item) for item in value)
    return value


def _concat(values, axis=-1):
    return ops.concatenate(list(values), axis=axis)


def _transpose(x, perm=None):
    if isinstance(x, (list, tuple)):  # A complex tensor.
        return [ops.transpose(part, axes=perm) for part in x]
    return ops.transpose(x, axes=perm)


def _pad(x, paddings, constant_values=0):
    return ops.pad(x, paddings, constant_values=constant_values)


def _gelu(x, approximate=False):
    return ops.gelu(x, approximate=approximate)


def _resize(images, size, method="bilinear", antialias=False):
    return ops.image.resize(
        images, tuple(size), interpolation=method, antialias=antialias
    )


def _gather(x, indices, axis=0):
    return ops.take(x, indices, axis=axis)


def _norm(x, axis=None, keepdims=False):
    return ops.norm(x, axis=_axes(axis), keepdims=keepdims)


def _l2_normalize(x, axis=None, epsilon=1e-12):
    # TensorFlow bounds the square of the norm from below, Keras the norm.
    return ops.normalize(x, axis=axis, order=2, epsilon=epsilon**0.5)


def _axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _split(x, num_or_size_splits, axis=0):
    if isinstance(num_or_size_splits, int):
        return ops.split(x, num_or_size_splits, axis=axis)
    sizes = list(num_or_size_splits)
    if -1 in sizes:
        known = sum(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = x.shape[axis] - known
    ends = [int(end) for end in np.cumsum(sizes)[:-1]]
    return ops.split(x, ends, axis=axis)


def _reduction(function):
    def call(x, axis=None, keepdims=False):
        if isinstance(x, (list, tuple)):
            if function is ops.sum and axis == 0:
                return functools.reduce(ops.add, x)
            x = ops.stack(list(x))
        return function(x, axis=_axes(axis), keepdims=keepdims)

    return call


def extract_patches(images, sizes, strides=1, rates=1, padding="valid"):
    """Cuts out windows; rows, columns, channels of each on the last axis.

    `keras.ops.image.extract_patches` convolves with an identity kernel of
    `(rows * columns * channels) ** 2` entries, gigabytes for HaloNet.

    Args:
        images: `(batch, height, width, channels)`.
        sizes: Height and width of the windows.
        strides: Distances between windows.
        rates: Distances between the pixels of a window.
        padding: Only `"valid"`; kecam pads before.

    Raises:
        ValueError: For another padding.
    """
    if padding.lower() != "valid":
        raise ValueError(
            "Windows are cut without padding: pad before. Received: "
            f"padding={padding!r}."
        )
    (rows, columns), steps, rates = map(_pair, (sizes, strides, rates))
    height, width = (
        (length - (size - 1) * rate - 1) // step * step + 1
        for length, size, rate, step in zip(
            images.shape[1:3], (rows, columns), rates, steps, strict=True
        )
    )
    patches = []
    for i in range(rows):
        for j in range(columns):
            top, left = i * rates[0], j * rates[1]
            patches.append(
                images[
                    :,
                    top : top + height : steps[0],
                    left : left + width : steps[1],
                ]
            )
    return ops.concatenate(patches, axis=-1)


def _pair(value):
    """Height and width of TensorFlow's number, pair or list of four."""
    if isinstance(value, int):
        return value, value
    return tuple(value[1:3]) if len(value) == 4 else tuple(value)


def resize_array(
    array: Any,
    target_shape: tuple[int, int],
    method: str = "bilinear",
    antialias: bool = False,
    is_source_channels_last: bool = True,
) -> np.ndarray:
    """Resizes an array of two to four axes as kecam's function of this kind.

    Args:
        array: Height, width and perhaps channels, or channels first.
        target_shape: Height and width of the result.
        method: Interpolation, `"bilinear"` by default.
        antialias: Whether to smooth before shrinking.
        is_source_channels_last: Where the channels are.
    """
    x = np.asarray(array)
    axes = x.ndim
    if axes > 2 and not is_source_channels_last:
        x = np.moveaxis(x, -3, -1)
    if axes < 4:
        x = x[None, ..., None] if axes == 2 else x[None]
    resized = keras.ops.image.resize(
        x,
        tuple(int(length) for length in target_shape),
        interpolation=method,
        antialias=antialias,
        data_format="channels_last",
    )
    x = keras.ops.convert_to_numpy(resized)
    if axes < 4:
        x = x[0, ..., 0] if axes == 2 else x[0]
    if axes > 2 and not is_source_channels_last:
        x = np.moveaxis(x, -1, -3)
    return x
