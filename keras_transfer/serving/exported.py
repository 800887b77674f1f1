"""An exported file in its runtime, with the digests that it must have."""

import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.runner import Runner
from keras_transfer.exporting.sidecar_schema import outputs_of
from keras_transfer.files.checksums import file_sha256
from keras_transfer.files.checksums import text_sha256
from keras_transfer.files.untrusted import check_member
from keras_transfer.names import printable

_MOST_FILES = 10_000
_MOST_BYTES = 4 << 30
_MOST_LETTERS = 300
# Lines that tell where in its own source OpenVINO has noticed an error.
_PLACES = ("Exception from", "Check ")


def open_runner(
    target: Format,
    path: pathlib.Path,
    record: dict[str, Any] | None,
) -> Runner:
    """Opens a file so that every error of its runtime is one sentence.

    Args:
        target: The format of the file.
        path: The file or folder.
        record: What its description says; `None` where it has none.

    Returns:
        A runner of the outputs that the description names, in its order; of
        the first one where it names none.

    Raises:
        ValueError: If the runtime cannot open it, it takes or returns
            something else than its description says, or is no classifier. The
            runner raises it where a batch cannot be computed.
    """
    # Runtimes have error types of their own, for which there is no base class.
    said = [] if record is None else outputs_of(record)
    try:
        runner = target.open(path)
        runner = runner.select([output["name"] for output in said] or [None])
    except Exception as error:
        raise ValueError(
            f"{path.name!r} cannot be opened by {target.runtime()}: "
            f"{_reason(error)}."
        ) from error
    if record is not None:
        _check_input(runner.input, record["input"], path.name)
    outputs = tuple(
        _checked_output(output, said[place] if said else None, path.name)
        for place, output in enumerate(runner.outputs)
    )

    def run(images):
        try:
            found = [np.asarray(rows) for rows in runner.run(images)]
        except Exception as error:
            raise ValueError(
                f"{path.name!r} cannot be run by {target.runtime()}: "
                f"{_reason(error)}."
            ) from error
        for rows, output in zip(found, outputs, strict=True):
            if rows.shape != (len(images), output.shape[1]):
                raise ValueError(
                    f"{path.name!r} returned the shape {rows.shape} for "
                    f"{len(images)} images. Expected "
                    f"{(len(images), output.shape[1])}."
                )
        return found

    return Runner(run, runner.input, outputs, runner.names)


def _checked_output(output, said, name):
    if said is not None and not _fits(output.shape, said):
        raise ValueError(
            f"{name!r} is not what was exported: it returns the shape "
            f"{output.shape}, its description says {tuple(said['shape'])}. "
            "Export the model again."
        )
    if said is not None:
        output = output._replace(shape=tuple(said["shape"]))
    if len(output.shape) != 2 or not output.shape[1]:
        raise ValueError(
            f"{name!r} is no classifier of images: expected one number "
            f"for each class. Its output has the shape {output.shape}."
        )
    return output


def _check_input(found, said, name):
    shape = tuple(said["shape"])
    if (found.shape, found.dtype) != (shape, said["dtype"]):
        raise ValueError(
            f"{name!r} is not what was exported: it takes the shape "
            f"{found.shape} of {found.dtype}, its description says {shape} of "
            f"{said['dtype']}. Export the model again."
        )


def _fits(found, said):
    """Whether the output is as said; some runtimes leave lengths open."""
    shape = said["shape"]
    return len(found) == len(shape) and all(
        axis in (None, length)
        for axis, length in zip(found, shape, strict=True)
    )


def _reason(error):
    text = str(error).strip() or type(error).__name__
    lines = [line.strip() for line in text.splitlines()]
    telling = [n for n in lines if not n.startswith(_PLACES)] or lines
    return printable(telling[0][:_MOST_LETTERS]).rstrip(".")


def checked_digests(
    path: pathlib.Path,
    items: Sequence[pathlib.Path],
    recorded: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Returns the digests of an exported file, which are those recorded.

    Args:
        path: The exported file or folder.
        items: All files and folders that belong to it.
        recorded: What its description says of each file, by name.

    Raises:
        ValueError: If a file is missing, too much or changed, as for
            `digests_of`.
    """
    found = {_name(file, path): file for file in _files(path, items)}
    for name in sorted({*found, *recorded}):
        is_there = name in found and os.path.lexists(found[name])
        if not is_there or name not in recorded:
            what = "is too much" if is_there else "is missing"
            raise ValueError(_fault(path, name, what))
    digests = digests_of(path, items)
    for name, digest in digests.items():
        if digest != recorded[name]["sha256"]:
            expected = recorded[name]["sha256"]
            what = f"has the sha256 {digest}, expected {expected}"
            raise ValueError(_fault(path, name, what))
    return digests


def digests_of(
    path: pathlib.Path, items: Sequence[pathlib.Path]
) -> dict[str, str]:
    """Returns the digest of each file of a model, by its name.

    Args:
        path: The file or folder.
        items: All files and folders that belong to it.

    Raises:
        ValueError: If one is a link, no regular file or outside of the folder
            that the model lies in, or there are too many or too large ones.
    """
    files = _files(path, items)
    size = 0
    for file in files:
        check_member(file, path.parent)
        size += file.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(
            f"{path.name!r} has {size:,} bytes. Expected {_MOST_BYTES:,} at "
            "most, which no format here exceeds."
        )
    return {_name(file, path): file_sha256(file) for file in files}


def together(digests: Mapping[str, str]) -> str:
    """Returns one digest for all files of a model.

    It is that of the only file; of several, that of the lines which
    `sha256sum` prints for them.

    Args:
        digests: The digest of each file, by its name.

    Example:
    >>> together({"model.onnx": "6a09"})
    '6a09'
    """
    if len(digests) == 1:
        return next(iter(digests.values()))
    return text_sha256("".join(f"{d}  {n}\n" for n, d in digests.items()))


def _files(path, items):
    files = []
    for item in items:
        if item.is_symlink() or not item.is_dir():
            files.append(item)
            continue
        for place, folders, names in os.walk(item):
            folders.sort()
            links = [n for n in folders if os.path.islink(f"{place}/{n}")]
            files += [pathlib.Path(place, n) for n in sorted([*names, *links])]
            if len(files) > _MOST_FILES:
                raise ValueError(
                    f"{path.name!r} holds more than {_MOST_FILES:,} files."
                )
    return sorted(files)


def _name(file, path):
    return file.relative_to(path.parent).as_posix()


def _fault(path, name, what):
    return (
        f"{path.name!r} is not what was exported: the file {name!r} {what}. "
        "Export the model again, or copy all files together."
    )
