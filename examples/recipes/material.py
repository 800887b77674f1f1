"""Where a recipe finds its material, that is photographs or weights.

Photographs come from the folder that `--data` names, or else from a public
data set, downloaded once. `--check` needs no network: it takes what is at hand,
and a few batches of it. Those are the photographs in the folder that the
environment variable `KERAS_TRANSFER_ASSETS` names, or two photographs and some
handwritten digits that scikit-learn brings along.
"""

import argparse
import atexit
import os
import pathlib
import shutil
import tempfile

import numpy as np
from PIL import Image
from sklearn import datasets

import keras_transfer as kt

MOBILENET = "mobilenet_7_5_224_tf_no_top.h5"


def parse(description, argv, *, epochs, checked_epochs=1, **options):
    """Returns what was asked for on the command line.

    `options` are further ones, each with the arguments of `add_argument`.
    """
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with a subfolder of images for each class, or with those "
        "in `train` and `val` (default: a public data set is downloaded)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="verify the figures of the architecture, then take a few steps "
        "on images at hand, without a network",
    )
    parser.add_argument("--epochs", type=int, metavar="N")
    for name, arguments in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **arguments)
    arguments = parser.parse_args(argv)
    if arguments.epochs is None:
        arguments.epochs = checked_epochs if arguments.check else epochs
    return arguments


def photographs(
    arguments,
    data_set,
    *,
    num_classes=2,
    batch_size=32,
    checked_batch=2,
    **options,
):
    """Returns the data to train on and those to validate on.

    `data_set` is the public one that the recipe was written for; `num_classes`
    is how many classes it takes to show what the recipe shows. A check works
    on three batches of `checked_batch` images. The other options are those of
    `kt.data.from_directory`.
    """
    if arguments.data:
        folder = arguments.data
    elif arguments.check:
        folder = images_at_hand(num_classes)
        options["check"] = False  # Nobody has touched these.
    else:
        folder = kt.data.fetch(data_set)
    if arguments.check:
        batch_size = checked_batch
    train, validation = kt.data.from_directory(
        folder, batch_size=batch_size, **options
    )
    print(
        f"{len(train.labels)} images to train on, {len(validation.labels)} to "
        f"validate on: {', '.join(train.class_names)}."
    )
    if arguments.check:
        train, validation = _take(train, 2), _take(validation, 1)
    return train, validation


def weights(arguments, file_name=None):
    """Returns `"imagenet"`, or for a check what is at hand of these weights."""
    if not arguments.check:
        return "imagenet"
    homes = [
        pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser(),
        pathlib.Path(os.environ.get("KERAS_TRANSFER_ASSETS", ""), "keras_home"),
    ]
    for home in homes:
        if file_name and (home / "models" / file_name).is_file():
            return home / "models" / file_name
    print(
        "This check makes do with random weights in the backbone: the steps "
        "below show that it trains, and their accuracies mean nothing."
    )
    return None


def images_at_hand(num_classes):
    """Returns a folder of real images that needs no network."""
    assets = os.environ.get("KERAS_TRANSFER_ASSETS")
    if num_classes == 2 and assets:
        print("At hand: photographs of ants and bees.")
        return pathlib.Path(assets, "hymenoptera", "val")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="recipe-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if num_classes == 2:
        print("At hand: cuttings from scikit-learn's two photographs.")
        _write_cuttings(folder)
    else:
        print(f"At hand: {num_classes} kinds of scikit-learn's digits.")
        _write_digits(folder, num_classes)
    return folder


def _write_cuttings(folder, size=213, stride=107):
    bunch = datasets.load_sample_images()
    for name, photograph in zip(bunch.filenames, bunch.images, strict=True):
        target = folder / pathlib.Path(name).stem
        target.mkdir()
        height, width, _ = photograph.shape
        for top in range(0, height - size + 1, stride):
            for left in range(0, width - size + 1, stride):
                cutting = photograph[top : top + size, left : left + size]
                Image.fromarray(cutting).save(target / f"{top}_{left}.png")


def _write_digits(folder, num_classes, per_class=20):
    scans, labels = datasets.load_digits(return_X_y=True)
    for digit in range(num_classes):
        (folder / str(digit)).mkdir()
        chosen = scans[labels == digit][:per_class].reshape(-1, 8, 8)
        # The scans have 17 shades, 0 to 16.
        for number, scan in enumerate((chosen * 255 / 16).astype(np.uint8)):
            Image.fromarray(scan).save(folder / str(digit) / f"{number}.png")


def _take(batches, count):
    few = batches.take(count)
    few.class_names = batches.class_names
    return few
