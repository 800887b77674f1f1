"""`keras-transfer activations`: what each stage of a network sees."""

import argparse
import os
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras
from keras_transfer.cli.picture_files import check_folder
from keras_transfer.names import printable

DESCRIPTION = """\
Draws what the layers of a model make of a photograph: a grid of maps for each
layer, and all stages on one sheet where no layers are named.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "activations",
        help="draw what the layers of a model make of a photograph",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="MODEL", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "image", metavar="IMAGE", type=pathlib.Path, help="a photograph"
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="stages, layer paths or patterns (default: all stages)",
    )
    parser.add_argument(
        "--channels",
        type=words.whole_number(1),
        default=64,
        metavar="N",
        help="number of maps of a layer at most (default: 64)",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("activations"),
        metavar="DIR",
        help="folder for the pictures (default: activations)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    for kind, path in (("model", arguments.model), ("image", arguments.image)):
        if not path.is_file():
            raise ValueError(f"There is no {kind} file {os.fspath(path)!r}.")
    check_folder(arguments.out)
    start_keras()
    import keras_transfer as kt
    from keras_transfer.checks import model_images
    from keras_transfer.explaining.pictures.stage_layers import stage_layers

    model = kt.load_model(arguments.model)
    pixels = model_images.decode_for(model, [arguments.image])
    layers = arguments.layers or list(stage_layers(model))
    # Before anything is written, all names are known to be right.
    names = list(kt.build_extractor(model, layers).paths)
    arguments.out.mkdir(parents=True, exist_ok=True)
    start = arguments.out / arguments.image.stem
    pictures = []
    if arguments.layers is None:
        pictures.append(f"{start}_stages.png")
        kt.plot_stages(model, pixels, path=pictures[-1])
    for name in names:
        pictures.append(f"{start}_{_file_name(name)}.png")
        kt.plot_activations(
            kt.build_extractor(model, [name]),
            pixels,
            channels=arguments.channels,
            path=pictures[-1],
        )
    print("\n".join(map(printable, pictures)))
    return 0


def _file_name(name):
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
