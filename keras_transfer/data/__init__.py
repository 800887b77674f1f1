"""Data: folders of photographs, turned into batches for training.

Each name is loaded on first use: reading a single photograph or listing a
folder needs no TensorFlow.
"""

import importlib

# Where each public name lives. No function bears its module's name, since
# importing the one would hide the other.
_HOME = {
    "augmentation": "augment",
    "check_images": "check",
    "collect": "collecting",
    "fetch": "datasets",
    "from_directory": "directory",
    "from_table": "tables",
    "list_images": "listing",
    "load_image": "images",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name == "audit":
        # It takes networks, which are floors above: see `kt.audit`.
        return importlib.import_module("keras_transfer").audit
    if name not in _HOME:
        raise AttributeError(
            f"module 'keras_transfer.data' has no attribute {name!r}"
        )
    module = importlib.import_module(f"keras_transfer.data.{_HOME[name]}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
