"""The folder in which Keras, as it does everywhere, keeps downloads."""

import os
import pathlib


def home_folder(name: str) -> pathlib.Path:
    """Returns a folder below `$KERAS_HOME`, which is else `~/.keras`.

    Args:
        name: `"models"` for weights, `"datasets"` for photographs.
    """
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    return pathlib.Path(home) / name
