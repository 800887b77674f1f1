"""Loads models with kecam's own layers as a user would.

A part of `survey`: `reload_own FOLDER` reads names from standard input.
"""

import functools
import sys

import keras_transfer  # noqa: F401  Finds the classes that files need.
from keras_transfer_kecam.development import reloading
from keras_transfer_kecam.development import worker

if __name__ == "__main__":
    worker.serve(functools.partial(reloading.compare, sys.argv[1]))
