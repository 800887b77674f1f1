"""`keras-transfer export`: a model as a file for another runtime."""

import argparse
import os
import pathlib

from keras_transfer.cli.keras_start import start_keras
from keras_transfer.names import printable

FORMATS = ("onnx", "tf_saved_model", "litert", "openvino", "stock")
PRECISIONS = ("float32", "float16", "int8")

DESCRIPTION = """\
Writes the part of a model that predicts, preprocessing included, for a runtime
that needs neither Keras nor this package, and a JSON file with class names,
input and digests beside it. What was written is run and compared with the
model; a file that does not agree is not kept.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "export",
        help="write a model for ONNX, LiteRT, OpenVINO or TensorFlow",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="MODEL", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "out",
        metavar="OUT",
        type=pathlib.Path,
        help="the file to write; a folder for tf_saved_model",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="default: what the suffix of OUT says (.onnx, .tflite, .xml, "
        ".keras, none)",
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        type=pathlib.Path,
        help="photographs to compare on, instead of made-up images",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="float16 halves the file, int8 quarters it (default: float32)",
    )
    parser.add_argument(
        "--calibrate-on",
        metavar="FOLDER",
        type=pathlib.Path,
        help="photographs that show int8 how large activations grow",
    )
    parser.add_argument(
        "--measure-on",
        metavar="FOLDER",
        type=pathlib.Path,
        help="photographs, one subfolder per class, to compare accuracy on",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    if not arguments.model.exists():
        # `load_model` says it as well, but only once Keras is there.
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    start_keras()
    import keras_transfer as kt

    exported = kt.export(
        kt.load_model(arguments.model),
        arguments.out,
        arguments.format,
        data=arguments.data,
        precision=arguments.precision,
        calibrate_on=arguments.calibrate_on,
        measure_on=arguments.measure_on,
    )
    trial = exported.trial
    written = f"{exported.path} and {exported.sidecar.name}"
    print(f"Wrote {printable(written)}.")
    print(
        f"On {trial.images} images, in batches of "
        f"{', '.join(map(str, trial.batch_sizes))}, its outputs differ from "
        f"those of Keras by {trial.difference:.1g} at most."
    )
    accuracy = exported.accuracy
    if accuracy is not None:
        print(
            f"Of {accuracy.images} photographs the model classifies "
            f"{accuracy.model:.1%} rightly, the file {accuracy.exported:.1%} "
            f"({accuracy.difference:+.1%}); they agree on {accuracy.same}."
        )
    for note in exported.notes:
        print(printable(note))
    return 0
