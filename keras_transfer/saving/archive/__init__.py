"""Model files, checked before anything parses them.

Nothing here imports Keras, a backend or what a file names: the standard
library and h5py read the file, and allow-lists say what it may hold.
"""

from keras_transfer.saving.archive.error import ModelFileError
from keras_transfer.saving.archive.members import check_kind
from keras_transfer.saving.archive.opening import Contents
from keras_transfer.saving.archive.opening import checked

__all__ = ["Contents", "ModelFileError", "check_kind", "checked"]
