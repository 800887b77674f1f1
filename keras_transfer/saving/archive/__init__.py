"""Model files, checked before anything parses them.

Nothing here imports Keras, a backend or what a file names: the standard
library and h5py read the file, and allow-lists say what it may hold.
"""

from keras_transfer.saving.archive.error import ModelFileError
from keras_transfer.saving.archive.json_text import read_json
from keras_transfer.saving.archive.members import check_file
from keras_transfer.saving.archive.members import check_kind
from keras_transfer.saving.archive.opening import Contents
from keras_transfer.saving.archive.opening import checked
from keras_transfer.saving.archive.opening import checked_weights

__all__ = [
    "Contents",
    "ModelFileError",
    "check_file",
    "check_kind",
    "checked",
    "checked_weights",
    "read_json",
]
