"""Export of a model into a file that another runtime reads."""

import dataclasses
import functools
import os
import pathlib

import keras

from keras_transfer import names
from keras_transfer.exporting import sidecar as sidecars
from keras_transfer.exporting.accuracy import Accuracy
from keras_transfer.exporting.accuracy import photograph_sets
from keras_transfer.exporting.description import describe
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.inference_graph import inference_graph
from keras_transfer.exporting.precision import about_precision
from keras_transfer.exporting.precision import allowance
from keras_transfer.exporting.precision import check_precision
from keras_transfer.exporting.stock_model import check_exportable
from keras_transfer.exporting.stock_model import to_stock
from keras_transfer.exporting.stock_model import with_named_outputs
from keras_transfer.exporting.trial import Trial
from keras_transfer.exporting.trial import all_outputs_of
from keras_transfer.exporting.trial import trial_images
from keras_transfer.exporting.trial import try_out_all
from keras_transfer.files.output_path import check_output
from keras_transfer.files.whole_files import publish
from keras_transfer.files.whole_files import staging_folder
from keras_transfer.structure.output_records import output_names


@dataclasses.dataclass(frozen=True)
class Exported:
    """The result of `export`.

    Args:
        path: The file or folder.
        sidecar: The JSON file beside it: class names, input, digests.
        format: Name of the format.
        trial: Number of images, batch sizes, largest difference from Keras.
        folded: Number of BatchNormalization layers folded into the layer
            before them.
        kept: Number of BatchNormalization layers that remain.
        notes: Sentences about differences from the model.
        precision: `"float32"`, `"float16"` or `"int8"`.
        accuracy: Accuracies on `measure_on`, or `None` without it.
    """

    path: pathlib.Path
    sidecar: pathlib.Path
    format: str
    trial: Trial
    folded: int
    kept: int
    notes: tuple[str, ...]
    precision: str
    accuracy: Accuracy | None


def export(
    model: keras.Model,
    path: str | os.PathLike,
    format: str | None = None,
    *,
    data: str | os.PathLike | None = None,
    precision: str = "float32",
    calibrate_on: str | os.PathLike | None = None,
    measure_on: str | os.PathLike | None = None,
) -> Exported:
    """Exports a model for a runtime that needs neither Keras nor this package.

    Only inference is exported: dropout, auxiliary heads and augmentation are
    left out, preprocessing is included, BatchNormalization is folded where
    that is exact, and the batch size is dynamic. The file is then run in its
    own runtime and kept only if its outputs vary between images, are
    reproducible and match those of Keras within 1e-3 (1e-6 for `"stock"`, more
    in reduced precision).

    A JSON file beside it holds the class names, the input and a SHA-256 of
    each file. `kt.build_service` and the command line compare them, which
    detects damage and mixed-up files. It does not prove who made them: whoever
    can replace the model can replace the JSON file as well.

    Args:
        model: A Functional or Sequential model with one input. Several outputs
            bear the same names in the file; the JSON file says their order.
        path: The file to write, with the suffix of the format.
        format: `"onnx"` (`.onnx`), `"litert"` (`.tflite`), `"openvino"`
            (`.xml`, and `.bin` beside it), `"tf_saved_model"` (a folder) or
            `"stock"` (`.keras`, see `to_stock`; it can be trained further).
            Defaults to the format that the suffix belongs to.
        data: A folder of photographs to compare outputs on, of which up to 32
            are used. Defaults to those of `measure_on`, else to synthetic
            images.
        precision: `"float32"`; `"float16"`, half the size (`"onnx"`,
            `"litert"`, `"openvino"`); or `"int8"`, a quarter (`"onnx"`,
            `"litert"`). The type of images and predictions does not change.
            Defaults to `"float32"`.
        calibrate_on: A folder of photographs, of which up to 100 determine
            the ranges of activations for int8. Required for `"onnx"`; without
            it, `"litert"` quantizes only the weights.
        measure_on: A folder with one subfolder of photographs per class. The
            accuracies of the model and of the file, of several outputs the one
            with these classes, are measured on all of them. None of them may
            be in `calibrate_on`.

    Returns:
        An `Exported` with the paths, the largest difference from Keras and,
        with `measure_on`, both accuracies.

    Raises:
        ImportError: If a package of the format is not installed.
        ValueError: If an argument is invalid, the model cannot be exported,
            or the file does not match it; then no file is left behind.

    Example:
    >>> import pathlib
    >>> import keras
    >>> import keras_transfer as kt
    >>> import tempfile
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255),
    ...     keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
    >>> kt.export(model, path, format="stock").trial.difference < 1e-6
    True
    """
    path = pathlib.Path(path)
    target = FORMATS[_format_of(path, format)]
    check_exportable(model)
    path = _checked_path(path, target)
    check_precision(target, precision, calibrate_on is not None)
    target.check()
    photographs = photograph_sets(model, data, calibrate_on, measure_on)
    images = photographs.trial
    if images is None:
        images = trial_images(model)
    folded = kept = 0
    notes: tuple[str, ...] = ()
    source = with_named_outputs(model, model)
    if target.keeps_layers:
        graph = to_stock(model)
    else:
        graph, folded, kept, dtypes = inference_graph(model)
        graph = with_named_outputs(graph, model)
        # Keras exports only models that were called.
        precise = all_outputs_of(graph, images)
        if dtypes:
            expected = all_outputs_of(source, images)
            notes = (about_precision(dtypes, expected, precise),)
            source = graph
    description = describe(model, graph)
    names = output_names(graph)
    with staging_folder(path) as folder:
        staged = folder / path.name
        target.convert(
            graph, staged, description, precision, photographs.calibration
        )
        run = target.open(staged).select(names)
        trial = try_out_all(
            run,
            functools.partial(all_outputs_of, source),
            images,
            allowance(target, precision),
            f"the {target.name} export of {model.name!r}",
            names,
        )
        accuracy = photographs.measure(model, run)
        files = target.files(staged)
        sidecar = sidecars.write_sidecar(
            staged,
            files,
            description,
            format=target.name,
            runtime=target.runtime(),
            batch_norms={"folded": folded, "kept": kept},
            trial=trial,
            notes=notes,
            precision=precision,
            accuracy=accuracy,
        )
        publish([*files, sidecar], path.parent)
    return Exported(
        path=path,
        sidecar=sidecars.sidecar_of(path),
        format=target.name,
        trial=trial,
        folded=folded,
        kept=kept,
        notes=notes,
        precision=precision,
        accuracy=accuracy,
    )


def _format_of(path, format):
    suffixes = {f.suffix: f.name for f in FORMATS.values()}
    if format is None:
        if path.suffix not in suffixes:
            raise ValueError(
                f"No format has files named '*{path.suffix}'. Expected one of "
                f"{[s for s in suffixes if s]}, or a folder without a suffix "
                f"for 'tf_saved_model'. Received: {os.fspath(path)!r}."
            )
        return suffixes[path.suffix]
    if format not in FORMATS:
        raise ValueError(
            f"Unknown format {format!r}. Expected one of {list(FORMATS)}."
            + names.did_you_mean(format, list(FORMATS))
        )
    suffix = FORMATS[format].suffix
    if suffix and path.suffix != suffix:
        raise ValueError(
            f"A file of the format {format!r} must be named '*{suffix}'. "
            f"Received: {os.fspath(path)!r}."
        )
    return format


def _checked_path(path: pathlib.Path, target: Format) -> pathlib.Path:
    path = path.expanduser()
    sidecars.check_sidecar(path)
    if not path.is_dir():
        return check_output(path)
    if target.suffix or not (path / "saved_model.pb").is_file():
        raise ValueError(
            f"Cannot write {os.fspath(path)!r}: it is a folder, and not a "
            "SavedModel that a new one could replace. Choose another name."
        )
    return path
