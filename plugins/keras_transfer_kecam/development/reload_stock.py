"""Loads models of stock layers by Keras alone.

A part of `survey`: `reload_stock FOLDER` reads names from standard input.
Neither kecam nor `keras_transfer` nor the rest of this package can be
imported in its process.
"""

import functools
import sys

from keras_transfer_kecam.development import reloading
from keras_transfer_kecam.development import worker

HIDDEN = ("keras_cv_attention_models", "keras_transfer", "kecam")


class Hider:
    """Makes packages look as if they were not installed."""

    def find_spec(self, fullname, path=None, target=None):
        """Refuses the hidden ones."""
        if fullname.startswith(HIDDEN):
            raise ModuleNotFoundError(f"{fullname} is hidden")


if __name__ == "__main__":
    sys.meta_path.insert(0, Hider())
    worker.serve(functools.partial(reloading.compare, sys.argv[1]))
