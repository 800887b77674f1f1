"""Makes the weights file that ships with the package.

The first convolution gets edge filters in eight directions; the layers after
it are drawn from a seed. Run it after a change of the network and put the
digest that it prints into `edge_nets/__init__.py`.
"""

import hashlib
import pathlib
import sys

import edge_nets
import keras
import numpy as np

FILE = pathlib.Path(edge_nets.__file__).with_name("edges.weights.h5")


def build():
    """Builds the network with the weights that the file holds."""
    keras.utils.set_random_seed(0)
    model = edge_nets.build_edge_net((None, None, 3))
    kernel, bias = model.get_layer("conv_1").get_weights()
    model.get_layer("conv_1").set_weights([edges(kernel.shape), bias])
    return model


def edges(shape):
    """Returns filters that each answer to an edge in another direction."""
    height, width, channels, directions = shape
    y, x = np.mgrid[:height, :width]
    angle = 2 * np.pi * np.arange(directions) / directions
    across = (x - 1)[..., None] * np.cos(angle)
    across += (y - 1)[..., None] * np.sin(angle)
    per_channel = across / np.abs(across).sum((0, 1)) / channels
    return np.repeat(per_channel[:, :, None], channels, axis=2)


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    build().save_weights(path)
    print(hashlib.sha256(path.read_bytes()).hexdigest())
