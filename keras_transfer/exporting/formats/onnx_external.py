"""The files beside an ONNX file that it reads weights from."""

import mmap
import pathlib

# The fields of onnx.proto that lead to tensors, by message and number. The
# `onnx` package would tell them too, but running a file needs only its runtime.
_LEADS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        **{5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
        **{22: "sparse", 23: "sparse"},
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
# Networks have some ten thousand; each costs about a microsecond.
_MOST_FIELDS = 500_000
_MOST_LETTERS = 4096


def external_files(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files, in the folder of an ONNX file, that belong to it.

    Args:
        path: The ONNX file.

    Raises:
        ValueError: If it is no ONNX file, or names one that is not in its
            folder.
    """
    try:
        with open(path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        names = set(_locations(memoryview(data)))
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path.name!r} is damaged or no ONNX file: {error}."
        ) from error
    for name in names:
        if not name or name in (".", "..") or {*name} & {*"/\\\0:"}:
            raise ValueError(
                f"{path.name!r} wants weights from {name[:200]!r}. Expected a "
                "file in its own folder, named without a path."
            )
    return [path.with_name(name) for name in sorted(names)]


def _locations(model):
    """Yields where the tensors of a model say that their data lie."""
    count = 0
    waiting = [(model, "model")]
    while waiting:
        message, kind = waiting.pop()
        entry = {}
        for number, value in _fields(message):
            count += 1
            if count > _MOST_FIELDS:
                raise ValueError(f"it has more than {_MOST_FIELDS:,} fields")
            if value is None:
                continue
            if kind == "entry":
                entry[number] = bytes(value[:_MOST_LETTERS])
            elif number in _LEADS[kind]:
                waiting.append((value, _LEADS[kind][number]))
        if entry.get(1) == b"location":
            yield entry.get(2, b"").decode()


def _fields(message):
    """Yields the number of each field, and its bytes where it has a length."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire = key & 7
        if wire == 2:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("a field is longer than its message")
            yield key >> 3, message[place : place + length]
            place += length
            continue
        if wire == 0:
            _, place = _varint(message, place)
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ValueError(f"there are no fields of kind {wire}")
        yield key >> 3, None


def _varint(message, place):
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
