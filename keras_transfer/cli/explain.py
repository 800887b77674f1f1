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
        help="name or number of the class (default: the predicted one)",
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

    model = kt.load_model(arguments.model)
    wanted = _class(model, arguments.target)
    options = {
        "target": kt.Contrast(wanted) if arguments.contrast else wanted,
        "at": arguments.at,
    }
    check_method(arguments.method, options)
    faults = check_images(paths, progress=False)
    code = words.tell_bad_files({**faults, **unread}, arguments.bad_files)
    method = arguments.method.replace("+", "p").replace("-", "_")
    for path, name in zip(paths, names_of(paths), strict=True):
        if path in faults:
            continue
        picture = arguments.out / f"{name}_{method}.png"
        pixels = model_images.decode_for(model, [path])
        heat = explain(model, pixels, arguments.method, options)
        shown = _explained(model, pixels, wanted)
        picture.parent.mkdir(parents=True, exist_ok=True)
        kt.plot_explanation(
            pixels,
            heat,
            titles=[f"{shown.label}  {shown.probability:.0%}"],
            blur=BLUR if arguments.method in OF_PIXELS else 0,
            path=picture,
        )
        cells = path, shown.label, f"{shown.probability:.4f}", picture
        print("\t".join(map(printable, cells)))
    return code


def _explained(model, pixels, wanted):
    """The class that is shown, with its probability."""
    from keras_transfer.serving import prediction

    (ranked,) = prediction.predict(model, pixels, top=10**6)
    if wanted is None:
        return ranked[0]
    name = prediction.class_names(model, len(ranked))[wanted]
    return next(one for one in ranked if one.label == name)


def _class(model, word):
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
