"""The weights of a model file, as HDF5 stores them."""

import dataclasses
import math
import os
from collections.abc import Iterable

import h5py
import numpy as np

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

FLOAT = "float"
# Read and tested at a time.
_ELEMENTS = 1 << 20
_BFLOAT16_EXPONENT = 0x7F80


@dataclasses.dataclass(frozen=True)
class Tensor:
    """What a weights file says of one tensor.

    Args:
        shape: Its shape.
        kind: `FLOAT`, or the exact type of what is none, such as `"int8"`.
        itemsize: Bytes of one number.
    """

    shape: tuple[int, ...]
    kind: str
    itemsize: int

    @property
    def bytes(self) -> int:
        """Bytes of all of it."""
        return math.prod(self.shape) * self.itemsize


@dataclasses.dataclass(frozen=True)
class Tensors:
    """What a weights file holds.

    Args:
        by_name: Each tensor by its path in the file.
        groups: Number of groups; Keras writes at least one for each layer.
    """

    by_name: dict[str, Tensor]
    groups: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor by its path in the file."""
        return {name: tensor.shape for name, tensor in self.by_name.items()}

    @property
    def bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.bytes for tensor in self.by_name.values())

    @property
    def widest_float(self) -> int:
        """Bytes of the widest floating-point number in it."""
        floats = (t for t in self.by_name.values() if t.kind == FLOAT)
        return max((tensor.itemsize for tensor in floats), default=0)


def scan(path: str | os.PathLike, in_chunks: bool = False) -> Tensors:
    """Checks a weights file and lists its tensors, none of which is read.

    Args:
        path: A local HDF5 file.
        in_chunks: Whether tensors may be compressed, where the reader knows
            their shapes beforehand. Keras itself never does it. Defaults to
            `False`.

    Raises:
        ModelFileError: If it is damaged, leads to data outside of itself, or
            declares other than it stores.
    """
    try:
        with h5py.File(path, "r") as file:
            found = _Scan(file, in_chunks).result()
    except ModelFileError:
        raise
    # h5py has no error of its own for files that it cannot make sense of.
    except (
        OSError,
        KeyError,
        RuntimeError,
        TypeError,
        OverflowError,
        ValueError,
    ) as error:
        raise ModelFileError(
            f"holds damaged weights ({error}).", DAMAGED
        ) from error
    if found.bytes > os.path.getsize(path) and not in_chunks:
        raise ModelFileError(
            f"declares {found.bytes} bytes of weights in "
            f"{os.path.getsize(path)}.",
            UNUSUAL,
        )
    return found


def check_finite(path: str | os.PathLike, names: Iterable[str]) -> None:
    """Raises for the first tensor with a NaN or an infinity in it.

    Args:
        path: A weights file that has been scanned.
        names: Paths of the tensors in it.

    Raises:
        ModelFileError: Names the tensor.
    """
    with h5py.File(path, "r") as file, open(path, "rb") as raw:
        for name in names:
            if not all(map(is_finite, _pieces(file[name], raw))):
                raise ModelFileError(
                    f"holds NaN or infinite weights in {name!r}.",
                    "Take an earlier checkpoint of the training that went "
                    "wrong, or pass allow_non_finite=True to look into it.",
                )


def is_finite(values: np.ndarray) -> bool:
    """Whether there is no NaN and no infinity among numbers.

    Args:
        values: Numbers as HDF5 stores them, bfloat16 without a type.
    """
    if values.dtype.kind == "V":
        bits = values.view(np.uint16) & _BFLOAT16_EXPONENT
        return bool((bits != _BFLOAT16_EXPONENT).all())
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def _pieces(tensor, raw):
    """The numbers of a tensor, a few at a time, whatever its shape."""
    start = tensor.id.get_offset()
    if start is None:
        whole = [()]  # Small ones may lie beside their description.
        for chunk in tensor.iter_chunks() if tensor.chunks else whole:
            yield np.asarray(tensor[chunk])
        return
    raw.seek(start)
    left = tensor.size
    while left > 0:
        piece = np.fromfile(raw, tensor.dtype, min(left, _ELEMENTS))
        left -= piece.size or left
        yield piece


class _Scan:
    def __init__(self, file, in_chunks):
        self._file = file
        self._in_chunks = in_chunks
        self._tensors = {}
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
        return Tensors(self._tensors, self._groups)

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
        _check_tensor(path, item, self._in_chunks)
        is_float = item.dtype.kind in "fV"
        self._tensors[path.removeprefix("/")] = Tensor(
            item.shape,
            FLOAT if is_float else item.dtype.name,
            item.dtype.itemsize,
        )
        return []


def _check_tensor(path, tensor, in_chunks):
    if tensor.external or tensor.is_virtual:
        raise _refusal(path, "stores its values in another file", UNUSUAL)
    if tensor.chunks and not in_chunks:
        raise _refusal(
            path,
            "is stored in compressed or separate pieces",
            "Save it again with `model.save`.",
        )
    if not _is_number(tensor.dtype):
        raise _refusal(
            path,
            f"has the type {tensor.dtype}; expected integers or "
            "floating-point numbers of 64 bits at most",
            UNUSUAL,
        )
    if tensor.shape is None:
        raise _refusal(path, "holds nothing", UNUSUAL)
    # Never as a product of NumPy's integers, which wrap around.
    declared = tensor.dtype.itemsize
    for length in tensor.shape:
        declared *= int(length)
    stored = tensor.id.get_storage_size()
    if declared != stored and not tensor.chunks:
        raise _refusal(
            path, f"declares {declared} bytes and stores {stored}", UNUSUAL
        )


def _is_number(dtype):
    # Keras stores bfloat16 as two bytes without a meaning.
    is_bfloat16 = dtype.kind == "V" and dtype.fields is None
    return (dtype.kind in "biuf" and dtype.itemsize <= 8) or (
        is_bfloat16 and dtype.itemsize == 2 and dtype.subdtype is None
    )


def _refusal(path, what, advice):
    return ModelFileError(f"holds weights where {path[:200]!r} {what}.", advice)


def _address(item):
    return h5py.h5o.get_info(item.id).addr
