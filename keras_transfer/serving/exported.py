"""An exported file in its runtime, whatever it turns out to hold."""

import pathlib
from typing import Any

import numpy as np

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.format import Runner
from keras_transfer.names import printable

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

    Raises:
        ValueError: If the runtime cannot open it, it takes or returns
            something else than its description says, or is no classifier. The
            runner raises it where a batch cannot be computed.
    """
    # Runtimes have error types of their own, for which there is no base class.
    try:
        runner = target.open(path)
    except Exception as error:
        raise ValueError(
            f"{path.name!r} cannot be opened by {target.runtime()}: "
            f"{_reason(error)}."
        ) from error
    if record is not None:
        _check_input(runner.input, record["input"], path.name)
    output = runner.output
    if record is not None and not _fits(output.shape, record["output"]):
        raise ValueError(
            f"{path.name!r} is not what was exported: it returns the shape "
            f"{output.shape}, its description says "
            f"{tuple(record['output']['shape'])}. Export the model again."
        )
    if record is not None:
        output = output._replace(shape=tuple(record["output"]["shape"]))
    if len(output.shape) != 2 or not output.shape[1]:
        raise ValueError(
            f"{path.name!r} is no classifier of images: expected one number "
            f"for each class. Its output has the shape {output.shape}."
        )

    def run(images):
        try:
            rows = np.asarray(runner(images))
        except Exception as error:
            raise ValueError(
                f"{path.name!r} cannot be run by {target.runtime()}: "
                f"{_reason(error)}."
            ) from error
        if rows.shape != (len(images), output.shape[1]):
            raise ValueError(
                f"{path.name!r} returned the shape {rows.shape} for "
                f"{len(images)} images. Expected "
                f"{(len(images), output.shape[1])}."
            )
        return rows

    return Runner(run, runner.input, output)


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
