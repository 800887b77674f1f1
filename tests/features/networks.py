"""Small models and data for the tests of this folder."""

import keras
import numpy as np

import keras_transfer as kt


def build_residual(num_stages=3):
    """A backbone whose skip connections and statistics a cut must respect."""
    image = keras.Input((16, 16, 3))
    x = image
    for number in range(1, num_stages + 1):
        x = keras.layers.Conv2D(
            4 * number, 3, 2, "same", name=f"conv_{number}"
        )(x)
        x = keras.layers.BatchNormalization(name=f"bn_{number}")(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
        y = keras.layers.Conv2D(4 * number, 1, name=f"mix_{number}")(x)
        x = keras.layers.Add(name=f"add_{number}")([x, y])
    return keras.Model(image, x, name="residual")


def build_classifier(backbone=None, **head_arguments):
    """A compiled classifier with three classes and a dropout in its head."""
    head = kt.heads.MLPHead(
        3, hidden_units=(8,), **{"dropout": 0.3, **head_arguments}
    )
    model = kt.build_model(backbone or build_residual(), head)
    return kt.compile_for_transfer(model, "adam", learning_rate=0.01)


def photographs(count=26):
    """Images and labels, which do not divide into whole batches of 8."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 16, 16, 3)).astype("float32")
    return images, rng.integers(0, 3, count)
