"""Weights that are numbers: no NaN, nothing infinite."""

import os

import h5py
import numpy as np

from keras_transfer.saving.archive.error import ModelFileError

# Read and tested at a time.
_ELEMENTS = 1 << 20
_BFLOAT16_EXPONENT = 0x7F80


def check_finite(path: str | os.PathLike, names: list[str]) -> None:
    """Raises for the first tensor with a NaN or an infinity in it.

    Args:
        path: A weights file that has been scanned.
        names: Paths of the tensors in it.

    Raises:
        ModelFileError: Names the tensor.
    """
    with h5py.File(path, "r") as file:
        for name in names:
            if not all(map(_is_finite, _pieces(file[name]))):
                raise ModelFileError(
                    f"holds NaN or infinite weights in {name!r}.",
                    "Take an earlier checkpoint of the training that went "
                    "wrong, or pass allow_non_finite=True to look into it.",
                )


def _pieces(tensor):
    if tensor.ndim == 0:
        yield tensor[()]
        return
    row = max(1, int(np.prod(tensor.shape[1:], dtype=object)))
    rows = max(1, _ELEMENTS // row)
    for start in range(0, tensor.shape[0], rows):
        yield tensor[start : start + rows]


def _is_finite(values):
    values = np.asarray(values)
    if values.dtype.kind == "V":
        bits = values.view(np.uint16) & _BFLOAT16_EXPONENT
        return bool((bits != _BFLOAT16_EXPONENT).all())
    if values.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(values).all())
