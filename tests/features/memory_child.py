"""Trains on features in a folder and tells how much memory that took.

Arguments: folder of photographs, folder of features. Prints the growth of the
resident memory at its peak, in bytes, over that after a first small training.
"""

import sys

import keras

import keras_transfer as kt
from tests.embedding.child import forget_peak
from tests.embedding.child import resident

SIZE = 64


def build():
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(32, 3, padding="same", name="frozen")(image)
    x = keras.layers.Conv2D(4, 3, 4, padding="same", name="open")(x)
    backbone = keras.Model(image, x, name="wide")
    model = kt.build_model(backbone, kt.heads.LinearHead(3))
    kt.freeze(model, up_to="frozen")
    return kt.compile_for_transfer(model)


def fit(photographs, features):
    data = kt.data.from_directory(
        photographs, image_size=SIZE, batch_size=8, validation_split=0.2
    )
    kt.fit(
        build(),
        data[0],
        validation_data=data[1],
        epochs=2,
        cache=features,
        verbose=0,
    )


def main(first, photographs, features):
    fit(first, f"{features}-first")
    warm = resident("VmRSS")
    forget_peak()
    fit(photographs, features)
    print(resident("VmHWM") - warm)


if __name__ == "__main__":
    main(*sys.argv[1:])
