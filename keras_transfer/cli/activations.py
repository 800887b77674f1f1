"""`keras-transfer activations`: what each stage of a network sees."""

import argparse
import collections
import os
import pathlib
import tempfile
from collections.abc import Sequence

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras
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
    words.add_bad_files(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    for kind, path in (("model", arguments.model), ("image", arguments.image)):
        if not path.is_file():
            raise ValueError(f"There is no {kind} file {os.fspath(path)!r}.")
    check_folder(arguments.out)
    from keras_transfer.data import check_images

    faults = check_images([arguments.image])
    if faults:
        return words.tell_bad_files(faults, arguments.bad_files)
    start_keras()
    import keras_transfer as kt
    from keras_transfer.checks import model_images
    from keras_transfer.explaining.pictures.contact_sheet import stage_layers

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


def check_folder(folder: pathlib.Path) -> None:
    """Raises unless pictures can be written into a folder, which may be new.

    Args:
        folder: The folder.

    Raises:
        ValueError: If it is a file or cannot be written.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise ValueError(
            f"Cannot write pictures to {os.fspath(folder)!r}: "
            f"{os.fspath(existing)!r} is a file. Name a folder."
        )
    try:
        # Nameless where the system can do that: a kill leaves nothing.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise ValueError(
            f"Cannot write pictures to {os.fspath(folder)!r}: "
            f"{error.strerror}. Choose another folder."
        ) from error


def names_of(paths: Sequence[pathlib.Path]) -> list[str]:
    """Returns a name for each photograph's pictures, all of them different.

    Args:
        paths: The photographs.

    Example:
    >>> names_of([pathlib.Path("a/1.jpg"), pathlib.Path("b/1.jpg")])
    ['1', '1_2']
    """
    seen: collections.Counter[str] = collections.Counter()
    taken: set[str] = set()
    found = []
    for path in paths:
        name = path.stem
        while name in taken:
            seen[path.stem] += 1
            name = f"{path.stem}_{seen[path.stem] + 1}"
        taken.add(name)
        found.append(name)
    return found
