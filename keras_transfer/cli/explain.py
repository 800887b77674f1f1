"""`keras-transfer explain`: where in a photograph the model sees its class."""

import argparse
import os
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.activations import check_folder
from keras_transfer.cli.activations import names_of
from keras_transfer.cli.keras_start import start_keras
from keras_transfer.names import printable

METHODS = (
    "grad-cam",
    "grad-cam++",
    "layer-cam",
    "score-cam",
    "eigen-cam",
    "saliency",
    "smoothgrad",
    "integrated-gradients",
    "attention-rollout",
)
# Single pixels say little on paper; so many around each are joined.
OF_PIXELS = ("saliency", "smoothgrad", "integrated-gradients")
BLUR = 2.0

DESCRIPTION = """\
Draws each photograph beside what the model sees in it, for the class that it
predicts or the one that is asked for. A photograph that cannot be read is
named on stderr, the others are explained all the same; the exit code is then 1,
unless --bad-files says skip.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "explain",
        help="show where in photographs a model sees a class",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="MODEL", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "images",
        metavar="IMAGE|FOLDER",
        nargs="+",
        type=pathlib.Path,
        help="photographs, or folders that are searched at any depth",
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="layer-cam",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)} (default: layer-cam)",
    )
    parser.add_argument(
        "--class",
        dest="target",
        metavar="CLASS",
        help="name or number of the class or label, or of the number that is "
        "predicted (default: the most probable class)",
    )
    parser.add_argument(
        "--output",
        metavar="NAME",
        help="output to explain, where the model has several",
    )
    parser.add_argument(
        "--contrast",
        action="store_true",
        help="show what speaks for the class and not for the others as well",
    )
    parser.add_argument(
        "--at",
        metavar="LAYER",
        help="stage or layer whose maps are used (default: the last one; for "
        "layer-cam the last stage of finer maps)",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("explanations"),
        metavar="DIR",
        help="folder for the pictures (default: explanations)",
    )
    words.add_bad_files(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.data import check_images
    from keras_transfer.data.listing import find_images

    paths, unread = find_images(arguments.images)
    if not arguments.model.exists():
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    check_folder(arguments.out)
    start_keras()
    import keras_transfer as kt
    from keras_transfer.checks import model_images
    from keras_transfer.explaining.methods import check_method
    from keras_transfer.explaining.methods import explain
    from keras_transfer.serving import prediction

    model = kt.load_model(arguments.model)
    output = _output(model, arguments)
    reading = prediction.readings_of(model)[output]
    wanted = _class(reading, arguments.target)
    options = {
        "target": kt.Contrast(wanted) if arguments.contrast else wanted,
        "at": arguments.at,
        "output": output if arguments.output else None,
    }
    check_method(arguments.method, options)
    faults = check_images(paths, progress=False)
    code = words.tell_bad_files({**faults, **unread}, arguments.bad_files)
    method = arguments.method.replace("+", "p").replace("-", "_")
    for path, stem in zip(paths, names_of(paths), strict=True):
        if path in faults:
            continue
        picture = arguments.out / f"{stem}_{method}.png"
        pixels = model_images.decode_for(model, [path])
        heat = explain(model, pixels, arguments.method, options)
        name, value = _explained(model, reading, output, pixels, wanted)
        picture.parent.mkdir(parents=True, exist_ok=True)
        kt.plot_explanation(
            pixels,
            heat,
            titles=[_title(reading, name, value)],
            blur=BLUR if arguments.method in OF_PIXELS else 0,
            path=picture,
        )
        is_number = reading.task.kind == "regression"
        shown = f"{value:.6g}" if is_number else f"{value:.4f}"
        cells = path, name, shown, picture
        print("\t".join(map(printable, cells)))
    return code


def _output(model, arguments):
    """The place of the output that is explained."""
    if arguments.output is None and arguments.method == "attention-rollout":
        return 0  # It is about all layers.
    from keras_transfer.explaining import graph

    known = graph.output_names(model)
    if arguments.output is None and len(known) > 1:
        raise ValueError(
            f"The model has {len(known)} outputs: say which one to explain, "
            f"--output one of {', '.join(known)}."
        )
    tensor = graph.output_of(model, arguments.output)
    return [one is tensor for one in model.outputs].index(True)


def _explained(model, reading, output, pixels, wanted):
    """Name and value of what is shown: a class, a label or a number."""
    import keras

    outputs = keras.tree.flatten(model.predict(pixels, verbose=0))
    (values,) = reading.values(outputs[output])
    place = int(values.argmax()) if wanted is None else wanted
    return reading.names[place], float(values[place])


def _title(reading, name, value):
    if reading.task.kind != "regression":
        return f"{name}  {value:.0%}"
    units = reading.task.targets and dict(
        zip(reading.names, reading.task.targets.units, strict=True)
    )
    return f"{name}  {value:.4g} {(units or {}).get(name) or ''}".rstrip()


def _class(reading, word):
    """The number of the class that a word on the command line means."""
    if word is None:
        return None
    from keras_transfer import names

    known = reading.names
    if word in known:
        return known.index(word)
    if word.isdecimal():
        return int(word)
    raise ValueError(
        f"Unknown class {word!r}. Expected one of {known} or a number."
        + names.did_you_mean(word, known)
    )
