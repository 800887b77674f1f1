"""Model files of every format, opened to classify."""

import os
import pathlib

from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.sidecar import read_sidecar
from keras_transfer.exporting.sidecar import sidecar_of
from keras_transfer.files.checksums import file_sha256
from keras_transfer.files.checksums import text_sha256
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.classifier import check_image_shape


def format_of(path: str | os.PathLike) -> str:
    """Returns the format of a model file, by its name, without opening it.

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


def open_classifier(path: str | os.PathLike) -> Classifier:
    """Opens a classifier of any format that `export` writes, or of Keras.

    Keras is imported for `.keras` files alone; an exported file needs its
    runtime and the JSON file that was written beside it, whose digests it is
    compared with.

    Args:
        path: As for `format_of`.

    Raises:
        ValueError: If the file is not there, is damaged, or takes no images.
        ImportError: If its runtime is not installed.
    """
    path = pathlib.Path(path)
    format = format_of(path)
    return _open_keras(path) if format == "keras" else _open(path, format)


def _open(path, name):
    target = FORMATS[name]
    target.check_reader()
    record = read_sidecar(path)
    digests = _checked_digests(path, target.files(path), record["files"])
    source, output = record["input"], record["output"]
    names = record["class_names"]
    return Classifier(
        run=target.open(path),
        format=name,
        runtime=target.runtime(),
        sha256=_together(digests),
        input_shape=check_image_shape(source["shape"][1:], repr(path.name)),
        dtype=source["dtype"],
        pixel_range=source["range"] and tuple(source["range"]),
        num_classes=max(output["shape"][-1], 2),
        class_names=names and tuple(names),
        activation=output["activation"],
        versions=record["versions"],
    )


def _open_keras(path):
    # Not at the top: what was exported runs without Keras.
    import keras

    from keras_transfer.checks.classifier_loss import output_activation
    from keras_transfer.saving.loading import load_model
    from keras_transfer.structure.model_info import info

    model = load_model(path)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs. Expected one of each: remove "
            "auxiliary heads with kt.without_auxiliary_heads(model)."
        )
    known = info(model)
    names, pixels = known.class_names, known.input_range
    if names is None and sidecar_of(path).exists():
        # A file of stock layers alone has no layer that could tell.
        record = read_sidecar(path)
        _checked_digests(path, [path], record["files"])
        names, pixels = record["class_names"], record["input"]["range"]
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    digests = {f.name: file_sha256(f) for f in files if f.is_file()}
    return Classifier(
        run=model.predict_on_batch,
        format="keras",
        runtime=f"keras {keras.__version__}, {keras.backend.backend()}",
        sha256=_together(digests),
        input_shape=check_image_shape(
            model.input_shape[1:], f"The model {model.name!r}"
        ),
        dtype=model.inputs[0].dtype,
        pixel_range=pixels and tuple(pixels),
        num_classes=max(model.output_shape[-1], 2),
        class_names=names and tuple(names),
        activation=output_activation(model),
        versions=known.versions,
    )


def _checked_digests(path, items, recorded):
    """Maps each file of an export to its digest, which was recorded."""
    files = [
        file
        for item in items
        for file in ([item] if not item.is_dir() else sorted(item.rglob("*")))
        if not file.is_dir()
    ]
    digests = {}
    for file in files:
        name = file.relative_to(path.parent).as_posix()
        if not file.exists() or name not in recorded:
            raise ValueError(
                f"{path.name!r} is not what was exported: the file {name!r} "
                f"{'is too much' if file.exists() else 'is missing'}. Export "
                "the model again, or copy all files together."
            )
        digests[name] = file_sha256(file)
        if digests[name] != recorded[name]["sha256"]:
            raise ValueError(
                f"{path.name!r} is not what was exported: the file {name!r} "
                f"has the sha256 {digests[name]}, expected "
                f"{recorded[name]['sha256']}. Export the model again, or copy "
                "all files together."
            )
    return digests


def _together(digests):
    if len(digests) == 1:
        return next(iter(digests.values()))
    return text_sha256("".join(f"{d}  {n}\n" for n, d in digests.items()))
