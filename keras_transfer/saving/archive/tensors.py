"""The weights of a model file, as HDF5 stores them."""

import dataclasses
import os

import h5py

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError


@dataclasses.dataclass(frozen=True)
class Tensors:
    """What a weights file holds.

    Args:
        shapes: Shape of each tensor by its path in the file.
        groups: Number of groups; Keras writes at least one for each layer.
    """

    shapes: dict[str, tuple[int, ...]]
    groups: int


def scan(path: str | os.PathLike) -> Tensors:
    """Checks a weights file and lists its tensors, none of which is read.

    Args:
        path: A local HDF5 file.

    Raises:
        ModelFileError: If it is damaged, leads to data outside of itself, or
            declares other than it stores.
    """
    try:
        with h5py.File(path, "r") as file:
            return _Scan(file).result()
    # h5py has no error of its own for files that it cannot make sense of.
    except (OSError, KeyError, RuntimeError, TypeError, OverflowError) as error:
        raise ModelFileError(
            f"holds damaged weights ({error}).", DAMAGED
        ) from error
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(
            f"holds damaged weights ({error}).", DAMAGED
        ) from error


class _Scan:
    def __init__(self, file):
        self._file = file
        self._shapes = {}
        self._groups = 0
        # A group that holds itself would never end.
        self._seen = {_address(file)}

    def result(self):
        pending = [("", self._file, 0)]
        while pending:
            path, group, depth = pending.pop()
            if depth > limits.GROUP_DEPTH:
                raise _refusal(path, "lies too deep", UNUSUAL)
            self._groups += 1
            for name in group:
                pending += self._visit(f"{path}/{name}", group, name, depth)
        return Tensors(self._shapes, self._groups)

    def _visit(self, path, group, name, depth):
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise _refusal(path, f"is a {type(link).__name__}", UNUSUAL)
        item = group[name]
        if len(self._seen) >= limits.TENSORS_AND_GROUPS:
            raise _refusal(path, "is one of too many", UNUSUAL)
        if _address(item) in self._seen:
            raise _refusal(path, "is stored once and named twice", UNUSUAL)
        self._seen.add(_address(item))
        if isinstance(item, h5py.Group):
            return [(path, item, depth + 1)]
        if not isinstance(item, h5py.Dataset):
            raise _refusal(path, "is no tensor", UNUSUAL)
        _check_tensor(path, item)
        self._shapes[path.removeprefix("/")] = item.shape
        return []


def _check_tensor(path, tensor):
    if tensor.external or tensor.is_virtual:
        raise _refusal(path, "stores its values in another file", UNUSUAL)
    if tensor.chunks or tensor.compression:
        raise _refusal(
            path,
            "is stored in compressed or separate pieces",
            "Save it again with `model.save`.",
        )
    # Keras stores bfloat16 as two bytes without a meaning.
    is_number = tensor.dtype.kind in "biufc"
    is_bfloat16 = tensor.dtype.kind == "V" and tensor.dtype.itemsize == 2
    if not is_number and not (is_bfloat16 and tensor.dtype.fields is None):
        raise _refusal(path, f"has the type {tensor.dtype}", UNUSUAL)
    if tensor.shape is None:
        raise _refusal(path, "holds nothing", UNUSUAL)
    # Never as a product of NumPy's integers, which wrap around.
    declared = tensor.dtype.itemsize
    for length in tensor.shape:
        declared *= int(length)
    stored = tensor.id.get_storage_size()
    if declared != stored:
        raise _refusal(
            path, f"declares {declared} bytes and stores {stored}", UNUSUAL
        )


def _refusal(path, what, advice):
    return ModelFileError(f"holds weights where {path[:200]!r} {what}.", advice)


def _address(item):
    return h5py.h5o.get_info(item.id).addr
