"""Values for weights and images, the same on every machine and framework."""

import math
import zlib

import numpy as np


def value(layer, kind, shape):
    """Makes up the value of a weight, by the names of its layer and itself.

    NumPy promises that `RandomState` will never draw other numbers.
    """
    name = f"{layer.replace('/', '_')}/{kind}"
    drawn = np.random.RandomState(zlib.crc32(name.encode())).uniform(
        -1, 1, tuple(shape)
    )
    if kind in ("gamma", "gain", "moving_variance"):
        drawn = 1 + 0.2 * drawn
    elif len(shape) > 1:
        inputs = shape[:2] if kind == "depthwise_kernel" else shape[:-1]
        drawn *= math.sqrt(3 / math.prod(inputs))
    else:
        drawn *= 0.2
    return drawn.astype("float32")


def fill(model, scale=1):
    """Gives every weight of a model its value, kernels times `scale`."""
    for layer in model.layers:
        # Keras 2's order, which differs from Keras 3's in frozen layers.
        for weight in [*layer.trainable_weights, *layer.non_trainable_weights]:
            kind = weight.name.partition(":")[0].rpartition("/")[2]
            if type(layer).__name__ == "DepthwiseConv2D" and kind == "kernel":
                kind = "depthwise_kernel"  # As Keras 2 calls it.
            made_up = value(layer.name, kind, weight.shape)
            if made_up.ndim > 1:
                made_up *= np.float32(scale)
            weight.assign(made_up)


def images(size):
    """Makes up two images, as they are after preprocessing."""
    drawn = np.random.RandomState(size).uniform(-2, 2, (2, size, size, 3))
    return drawn.astype("float32")


def sample(features, count=24):
    """Chooses the same few values of a model's features again and again."""
    flat = np.asarray(features, "float64").ravel()
    chosen = np.random.RandomState(0).randint(0, flat.size, count)
    return flat[chosen]
