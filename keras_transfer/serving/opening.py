"""Model files of every format, opened to classify."""

import dataclasses
import os
import pathlib
from typing import Any

from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.sidecar import read_sidecar
from keras_transfer.exporting.sidecar import sidecar_of
from keras_transfer.exporting.sidecar_schema import outputs_of
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.classifier import check_image_shape
from keras_transfer.serving.exported import checked_digests
from keras_transfer.serving.exported import digests_of
from keras_transfer.serving.exported import open_runner
from keras_transfer.serving.exported import together
from keras_transfer.serving.reading import Reading
from keras_transfer.structure.task import Task


def format_of(path: str | os.PathLike) -> str:
    """Returns the format of a model file from its name, without opening it.

    Args:
        path: A `.keras`, `.onnx`, `.tflite` or `.xml` file, or the folder of
            a SavedModel.

    Returns:
        `"keras"` or the name of an export format.

    Raises:
        ValueError: If there is no such file or its name tells no format.

    Example:
    >>> format_of("missing.onnx")
    Traceback (most recent call last):
    ...
    ValueError: There is no model file 'missing.onnx'.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"There is no model file {os.fspath(path)!r}.")
    if not path.is_file() and not path.is_dir():
        raise ValueError(
            f"{os.fspath(path)!r} is a pipe, a device or a socket. Expected a "
            "model file."
        )
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "tf_saved_model"
    if path.is_dir() and (path / "config.json").is_file():
        return "keras"
    suffixes = {f.suffix: f.name for f in FORMATS.values() if f.suffix}
    suffixes[".keras"] = "keras"
    if path.is_dir() or path.suffix not in suffixes:
        raise ValueError(
            f"{os.fspath(path)!r} is not a model file: expected one named "
            f"{', '.join('*' + s for s in suffixes)}, or the folder of a "
            "SavedModel."
        )
    return suffixes[path.suffix]


def open_classifier(path: str | os.PathLike, trust: bool = False) -> Classifier:
    """Opens a classifier from a `.keras` file or any export format.

    Keras is imported only for `.keras` files. An exported file needs its
    runtime and the JSON file beside it, and is compared with the SHA-256
    digests in there. They prove integrity: no file is damaged, missing or mixed
    up with another export. They do not prove origin: anyone who can replace a
    model can replace its digests. This matters most for a SavedModel, which is
    a program that can read and write files, while the other formats are data
    to their runtimes. Open a SavedModel only if you trust its source.

    Args:
        path: As for `format_of`.
        trust: Whether to run a SavedModel without digests beside it, or with
            operations that may read or write files. Files that do not match
            their digests are refused nevertheless. Defaults to `False`.

    Raises:
        ValueError: If the file is missing, is damaged, does not classify
            images, or is a SavedModel without digests and `trust` is `False`.
        ImportError: If its runtime is not installed.
    """
    format = format_of(path)
    path = pathlib.Path(path)
    if format == "keras":
        return _open_keras(path)
    # The description lies beside the file, wherever a link to it lies.
    return _open(path.resolve(), format, trust)


def _open(path, name, trust):
    target = FORMATS[name]
    record, digests = check_exported(path, name, trust)
    effects = [] if trust else target.side_effects(path)
    if effects:
        raise ValueError(
            f"{path.name!r} is a SavedModel that contains "
            f"{', '.join(effects)[:200]}. No network needs them, and they may "
            "read or write files. If you trust its source, pass --trust (in "
            "Python: trust=True)."
        )
    runner = open_runner(target, path, record)
    if record is None:
        record = {
            "class_names": None,
            "input": {**runner.input._asdict(), "range": None},
            "output": {**runner.output._asdict(), "activation": None},
            "versions": {},
        }
    pixels = record["input"]["range"]
    return Classifier(
        run=runner.run,
        format=name,
        runtime=target.runtime(),
        sha256=together(digests),
        input_shape=check_image_shape(
            record["input"]["shape"][1:], repr(path.name)
        ),
        dtype=record["input"]["dtype"],
        pixel_range=pixels and tuple(pixels),
        readings=tuple(map(_reading, outputs_of(record))),
        versions=record["versions"],
    )


def _reading(output):
    names = output["class_names"]
    return Reading(
        name=output["name"],
        units=output["shape"][-1],
        activation=output["activation"],
        class_names=names and tuple(names),
        task=Task.from_json(output["task"] or {}),
    )


def check_exported(
    path: pathlib.Path, name: str, trust: bool
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Checks an exported file without opening it in its runtime.

    Args:
        path: The file or folder, no link to it.
        name: Its format.
        trust: As for `open_classifier`.

    Returns:
        What its description says, `None` for a trusted SavedModel without
        one, and the digests of its files.

    Raises:
        ValueError: As for `open_classifier`.
        ImportError: If the runtime is not installed.
    """
    target = FORMATS[name]
    target.check_reader()
    if name == "tf_saved_model" and not os.path.lexists(sidecar_of(path)):
        if not trust:
            raise ValueError(
                f"{path.name!r} is a SavedModel, which is code: it can read "
                "and write files. There is no digest of it, which "
                "`keras-transfer export` writes beside it as "
                f"{sidecar_of(path).name!r}. If you trust its source, pass "
                "--trust (in Python: trust=True)."
            )
        return None, digests_of(path, target.files(path))
    record = read_sidecar(path)
    check_image_shape(record["input"]["shape"][1:], repr(path.name))
    return record, checked_digests(path, target.files(path), record["files"])


def _open_keras(path):
    # Not at the top: what was exported runs without Keras.
    import keras

    from keras_transfer.saving.loading import load_model
    from keras_transfer.serving.prediction import readings_of
    from keras_transfer.structure import model_info
    from keras_transfer.structure.info import info

    model = load_model(path)
    if len(model.inputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs. "
            "Expected one, of images."
        )
    readings = readings_of(model)
    known = info(model)
    pixels = known.input_range
    if model_info.find(model) is None and sidecar_of(path).exists():
        # A file of stock layers alone has no layer that could tell.
        record = read_sidecar(path)
        checked_digests(path, [path], record["files"])
        readings = _described(readings, map(_reading, outputs_of(record)))
        pixels = record["input"]["range"]
    digests = digests_of(path.resolve(), [path.resolve()])
    return Classifier(
        run=lambda images: keras.tree.flatten(model.predict_on_batch(images)),
        format="keras",
        runtime=f"keras {keras.__version__}, {keras.backend.backend()}",
        sha256=together(digests),
        input_shape=check_image_shape(
            model.input_shape[1:], f"The model {model.name!r}"
        ),
        dtype=model.inputs[0].dtype,
        pixel_range=pixels and tuple(pixels),
        readings=readings,
        versions=known.versions,
    )


def _described(readings, described):
    """What the graph tells of each output, with what a description adds."""
    described = {reading.name: reading for reading in described}
    return tuple(
        _with(reading, described.get(reading.name)) for reading in readings
    )


def _with(reading, said):
    if said is None:
        return reading
    is_known = reading.activation != "unknown"
    return dataclasses.replace(
        said,
        units=reading.units,
        activation=reading.activation if is_known else said.activation,
    )
