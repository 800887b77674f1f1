"""`keras-transfer explain`: where in a photograph the model sees its class."""

import argparse
import os
import pathlib
import sys

from keras_transfer.cli.keras_start import start_keras
from keras_transfer.cli.picture_files import check_folder
from keras_transfer.cli.picture_files import names_of

UNREADABLE = 1
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

DESCRIPTION = """\
Draws each photograph beside what the model sees in it, for the class that it
predicts or the one that is asked for. A photograph that cannot be read is
named on stderr, the others are explained all the same; the exit code is then 1.
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
        default="grad-cam",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)} (default: grad-cam)",
    )
    parser.add_argument(
        "--class",
        dest="target",
        metavar="CLASS",
        help="name or number of the class (default: the predicted one)",
    )
    parser.add_argument(
        "--at",
        metavar="LAYER",
        help="stage or layer whose maps are used (default: the last one)",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("explanations"),
        metavar="DIR",
        help="folder for the pictures (default: explanations)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.data import check_images
    from keras_transfer.data import list_images

    paths = list_images(arguments.images)
    if not arguments.model.exists():
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    check_folder(arguments.out)
    start_keras()
    import keras_transfer as kt
    from keras_transfer import prediction
    from keras_transfer.explaining.methods import check_method

    model = kt.load_model(arguments.model)
    options = {
        "target": _target(model, arguments.target),
        "at": arguments.at,
    }
    check_method(arguments.method, options)
    faults = check_images(paths, progress=False)
    for path, fault in faults.items():
        print(f"keras-transfer: {path}: {fault}", file=sys.stderr)
    method = arguments.method.replace("+", "p").replace("-", "_")
    for path, name in zip(paths, names_of(paths), strict=True):
        if path in faults:
            continue
        picture = arguments.out / f"{name}_{method}.png"
        _draw(model, path, arguments.method, options, picture)
        ((best,),) = prediction.predict(model, [path])
        print(f"{path}\t{best.label}\t{best.probability:.4f}\t{picture}")
    return UNREADABLE if faults else 0


def _draw(model, path, method, options, picture):
    import keras_transfer as kt
    from keras_transfer import model_images
    from keras_transfer import prediction
    from keras_transfer.explaining.methods import explain

    pixels = model_images.decode_for(model, [path])
    heat = explain(model, pixels, method, options)
    (ranked,) = prediction.predict(model, pixels, top=10**6)
    names = prediction.class_names(model, len(ranked))
    wanted = options["target"]
    label = ranked[0].label if wanted is None else names[wanted]
    probability = {p.label: p.probability for p in ranked}[label]
    picture.parent.mkdir(parents=True, exist_ok=True)
    kt.plot_explanation(
        pixels, heat, titles=[f"{label}  {probability:.0%}"], path=picture
    )


def _target(model, word):
    """The number of the class that a word on the command line means."""
    if word is None:
        return None
    import keras_transfer as kt
    from keras_transfer import names

    known = kt.info(model).class_names or []
    if word in known:
        return known.index(word)
    if word.isdecimal():
        return int(word)
    raise ValueError(
        f"Unknown class {word!r}. Expected one of {known} or a number."
        + names.did_you_mean(word, known)
    )
