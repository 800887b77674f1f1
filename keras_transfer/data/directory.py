"""Training pipelines from a folder of photographs."""

import os
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import tensorflow as tf
from sklearn.model_selection import train_test_split

from keras_transfer.data.check import check_images
from keras_transfer.data.classes import check_validation
from keras_transfer.data.classes import choose_classes
from keras_transfer.data.classes import emptied_classes
from keras_transfer.data.classes import empty_classes
from keras_transfer.data.classes import explain_one_class
from keras_transfer.data.classes import missing_classes
from keras_transfer.data.classes import report
from keras_transfer.data.classes import unknown_classes
from keras_transfer.data.decoded import CACHES
from keras_transfer.data.decoded import are_kept
from keras_transfer.data.images import CHANNELS
from keras_transfer.data.images import as_image_size
from keras_transfer.data.images import check_color_mode
from keras_transfer.data.layout import find_layout
from keras_transfer.data.pipeline import build_pipeline
from keras_transfer.data.scan import Scan
from keras_transfer.data.scan import scan_classes
from keras_transfer.names import check_whole_number


def from_directory(
    path: str | os.PathLike,
    *,
    image_size: int | tuple[int, int] | None = None,
    batch_size: int = 32,
    validation_split: float = 0.2,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    label_mode: str = "int",
    augment: Callable | None = None,
    shuffle: bool = True,
    check: bool = True,
    bad_files: str = "error",
    cache: str | bool = "auto",
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Makes training and validation pipelines from a folder of photographs.

    Two layouts are known: `train/` beside `val/` (or `valid`, `validation`;
    `test` where there is none of these), each with one folder per class; or
    the class folders alone, whose images are then split class by class.
    Images may lie at any depth of a class folder: JPEG, PNG, GIF (first
    frame), BMP, WebP, TIFF (first page), AVIF or HEIC (with the extra
    `keras-transfer[heic]`), told by extension. Hidden files are left out.

    Everything that is wrong is reported at once, before training. Images are
    opened when their batch is due, then kept for the epochs that follow where
    they are few enough. The order is drawn here: pass `shuffle=False` to
    `fit`, or Keras warns that it leaves that to the data set.

    Args:
        path: The folder.
        image_size: `(height, width)` in pixels, or one number for a square;
            images are squeezed to it. Defaults to 224 by 224.
        batch_size: Images per batch, at least 1. Defaults to 32.
        validation_split: Fraction of every class that goes to validation,
            between 0 and 1, where the folder does not divide them itself.
            A class of two or more images has some on both sides. Defaults
            to 0.2.
        seed: Whole number, at least 0: the same one gives the same split,
            the same order in each epoch, the same augmentation (if that has
            a seed). Defaults to 0.
        class_names: Class folders to use, in the order of the labels.
            Defaults to all, sorted by name.
        color_mode: `"rgb"`, `"grayscale"` (1 channel) or `"rgba"`. Defaults to
            `"rgb"`, which lays transparent images on white.
        label_mode: `"int"` (int32, shape `(batch,)`) or `"categorical"`
            (one-hot float32, shape `(batch, classes)`). Defaults to `"int"`.
        augment: Keras layer, or function from batches of images to batches,
            that is applied to training images only; see `augmentation`.
        shuffle: Whether training images come in a new order in every epoch.
            Defaults to True.
        check: Whether every file is read once to find the broken ones; see
            `check_images` for what that costs. Defaults to True.
        bad_files: `"error"` to raise for files that are no sound image;
            `"skip"` to leave them out with a warning. Defaults to `"error"`.
        cache: Whether decoded images are kept in memory, a byte per pixel and
            channel, for the epochs after the first: `"auto"` keeps them where
            all take at most a quarter of what is free, `"memory"` in any case,
            `False` never, so that each epoch reads the files anew. What a
            batch holds does not depend on it. Defaults to `"auto"`.

    Returns:
        Pair of `tf.data.Dataset` that yield `(images, labels)`: images are
        float32 from 0 to 255, shape `(batch, height, width, channels)`.
        Each has the attributes `class_names` (list), `file_paths` (list) and
        `labels` (int32 array), these two in the order before shuffling.

    Raises:
        ValueError: The folder, its images or an argument cannot be used; the
            message lists all the files concerned.

    Example:
    >>> import keras_transfer as kt
    >>> train, validation = kt.data.from_directory("photos")
    >>> train.class_names
    ['ants', 'bees']
    """
    size = as_image_size(image_size)
    check_color_mode(color_mode)
    _check_arguments(batch_size, validation_split, seed, class_names, augment)
    _check_choice("label_mode", label_mode, ("int", "categorical"))
    _check_choice("bad_files", bad_files, ("error", "skip"))
    _check_choice("cache", cache, CACHES)

    layout = find_layout(path)
    train = scan_classes(layout.train)
    names = choose_classes(train, class_names)
    faults = []
    held_out = Scan(layout.train, {})
    if layout.validation is not None:
        held_out = scan_classes(layout.validation)
        faults += unknown_classes(train, held_out)
        faults += missing_classes(names, held_out)
        held_out = held_out.only(names)
    train = train.only(names)

    problems = {**train.problems, **held_out.problems}
    faults += [*empty_classes(train), *empty_classes(held_out)]
    if check:
        files = [*train.images.values(), *held_out.images.values()]
        found = check_images(file for group in files for file in group)
        problems |= found
        spared = train.without(found), held_out.without(found)
        if bad_files == "skip":
            faults += emptied_classes(train, spared[0])
            train, held_out = spared
    faults += explain_one_class(train)
    report(Path(path), faults, problems, bad_files)

    images, validation_images = train.images, held_out.images
    if layout.validation is None:
        images, validation_images = stratified_split(
            images, validation_split, seed
        )
    check_validation(names, validation_images)
    count = sum(map(len, [*images.values(), *validation_images.values()]))
    build = partial(
        build_pipeline,
        class_names=names,
        image_size=size,
        color_mode=color_mode,
        batch_size=batch_size,
        label_mode=label_mode,
        seed=seed,
        keep_decoded=are_kept(cache, count, (*size, CHANNELS[color_mode])),
    )
    return (
        build(images, shuffle=shuffle, augment=augment),
        build(validation_images, shuffle=False),
    )


def _check_arguments(batch_size, validation_split, seed, class_names, augment):
    check_whole_number("batch_size", batch_size, least=1)
    is_number = isinstance(validation_split, int | float)
    if not is_number or not 0 < validation_split < 1:
        raise ValueError(
            "`validation_split` must be a fraction between 0 and 1. "
            f"Received: validation_split={validation_split!r}"
        )
    check_whole_number("seed", seed, least=0, most=2**32 - 1)
    if isinstance(class_names, str):
        raise TypeError(
            "`class_names` must be a list of folder names. "
            f"Received: class_names={class_names!r}"
        )
    if augment is not None and not callable(augment):
        raise TypeError(
            "`augment` must be a Keras layer or a function of a batch of "
            "images, such as keras_transfer.data.augmentation(). "
            f"Received: augment={augment!r}"
        )


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {list(choices)}. "
            f"Received: {name}={value!r}"
        )


def stratified_split(
    images: dict[str, list[Path]], validation_split: float, seed: int
) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Divides every class in the same proportion, at random.

    A class is divided for itself: adding a class leaves the division of the
    others as it was. Every class keeps one training image or more, and gives
    one or more to validation if it has two.

    Args:
        images: Files of each class.
        validation_split: Fraction that goes to validation, between 0 and 1.
        seed: Number that decides the draw.

    Returns:
        The training files and the validation files of each class.
    """
    train, validation = {}, {}
    for name, files in images.items():
        if len(files) < 2:
            train[name], validation[name] = list(files), []
            continue
        # Over all classes at once, `stratify=` leaves small classes without
        # validation images, or refuses them.
        wanted = round(validation_split * len(files))
        count = min(max(wanted, 1), len(files) - 1)
        kept, held_out = train_test_split(
            files, test_size=count, random_state=seed
        )
        train[name], validation[name] = sorted(kept), sorted(held_out)
    return train, validation
