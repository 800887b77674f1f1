"""Computes a feature cache and kills itself after some batches.

Arguments: folder of photographs, folder of features, batches to live for.
Prints the row with which each batch began.
"""

import os
import signal
import sys

import keras

import keras_transfer as kt
from keras_transfer.features.computing import compute_together
from tests.features.networks import build_residual

BATCH = 4


def make_cache(photographs, folder):
    keras.utils.set_random_seed(0)
    model = kt.build_model(build_residual(), kt.heads.LinearHead(3))
    kt.freeze(model)
    data = kt.data.from_directory(
        photographs, image_size=16, batch_size=BATCH, validation_split=0.4
    )
    return kt.FeatureCache(kt.split_at_boundary(model), *data, folder=folder)


def main(photographs, folder, batches):
    left = int(batches)

    def after_batch(rows):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    compute_together([make_cache(photographs, folder)], False, after_batch)


if __name__ == "__main__":
    main(*sys.argv[1:])
