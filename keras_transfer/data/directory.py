"""Training pipelines from a folder of photographs."""

import os
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from keras_transfer.data.check import check_images
from keras_transfer.data.classes import check_validation
from keras_transfer.data.classes import choose_classes
from keras_transfer.data.classes import emptied_classes
from keras_transfer.data.classes import empty_classes
from keras_transfer.data.classes import explain_one_class
from keras_transfer.data.classes import missing_classes
from keras_transfer.data.classes import report
from keras_transfer.data.classes import unknown_classes
from keras_transfer.data.given_folders import flat_roots
from keras_transfer.data.given_folders import layout_of
from keras_transfer.data.images import as_image_size
from keras_transfer.data.leaks import warn_of_copies
from keras_transfer.data.leaks import warn_of_groups
from keras_transfer.data.parts import build_parts
from keras_transfer.data.parts import check_arguments
from keras_transfer.data.parts import samples_of
from keras_transfer.data.scan import Scan
from keras_transfer.data.scan import scan_classes
from keras_transfer.data.scan import scan_names
from keras_transfer.data.splitting import divide
from keras_transfer.data.splitting import with_copies


def from_directory(
    path: str | os.PathLike | None = None,
    *,
    train: str | os.PathLike | None = None,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    label_from_name: str | None = None,
    group: str | None = None,
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
    copies: str = "together",
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    r"""Makes training and validation pipelines from a folder of photographs.

    Two layouts are known: a folder for training beside one for validation, one
    for the test, or both, each with one folder per class (`train` beside
    `valid`, `training_set` beside `test_set`, `seg_train` beside `seg_test`
    and the like); or the class folders alone. Where there is none for
    validation, images are split class by class. Folders may be wrapped around
    either. What could be read in two ways is an error with both readings.

    Images may lie at any depth of a class folder: JPEG, PNG, GIF (first
    frame), BMP, WebP, TIFF (first page), AVIF or HEIC (with the extra
    `keras-transfer[heic]`), told by extension. Hidden files are left out, and
    folders of masks or annotations beside those of images.

    Everything that is wrong is reported at once, before training. Images are
    opened when their batch is due, then kept for the epochs that follow where
    they are few enough. The order is drawn here: pass `shuffle=False` to
    `fit`, or Keras warns that it leaves that to the data set.

    Args:
        path: The folder. Defaults to `None`: `train` is given.
        train: Folder with the class folders for training, where the parts do
            not lie in one folder. Defaults to `None`: it is found in `path`.
        validation: The same for validation, beside `train`. Defaults to
            `None`: found in `path`, or split from training.
        test: The same for the test, which no training sees, beside `train`.
            Defaults to `None`: found in `path`, or none.
        label_from_name: Regular expression with a group `label` that the
            whole name of each file matches, such as
            `r"(?P<label>.+)_\d+\.jpg"`, where classes are no folders; with a
            `/` in it, the path below the folder. Defaults to `None`: classes
            are folders.
        group: Regular expression with a group `group` that is found in the
            path of each file below its folder, such as
            `r"(?P<group>patient\d+)"`. Photographs of one group are never on
            both sides of a split. Defaults to `None`: each is its own group.
        image_size: `(height, width)` in pixels, or one number for a square;
            images are squeezed to it. Defaults to 224 by 224.
        batch_size: Images per batch, at least 1. Defaults to 32.
        validation_split: Fraction of every class that goes to validation,
            below 1, where the folder does not divide them itself. A class of
            two or more images has some on both sides; files that are byte
            for byte the same are on one side. 0 trains on the whole
            folder, without validation. Defaults to 0.2.
        seed: Whole number, at least 0: the same one gives the same split,
            the same order in each epoch, the same augmentation (if that has
            a seed). Defaults to 0.
        class_names: Class folders to use, in the order of the labels.
            Where folders could be classes or parts, their names say that
            they are classes. Defaults to all, sorted by name.
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
        copies: Where photographs are divided here, `"together"` keeps exact
            copies on one side, and, if ImageHash is installed, near ones of up
            to 20,000 files: re-encoded, resized or mirrored. `"exact"` keeps
            those that are byte for byte the same, `"ignore"` none. Defaults
            to `"together"`.

    Returns:
        Pair of `tf.data.Dataset` that yield `(images, labels)`: images are
        float32 from 0 to 255, shape `(batch, height, width, channels)`.
        Each has the attributes `class_names` (list), `file_paths` (list) and
        `labels` (int32 array), these two in the order before shuffling.
        The second is `None` where there is nothing to validate on. The
        attribute `test` of the first is the data set of the test, or `None`.

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
    check_arguments(
        batch_size=batch_size,
        validation_split=validation_split,
        seed=seed,
        class_names=class_names,
        augment=augment,
        label_mode=label_mode,
        bad_files=bad_files,
        cache=cache,
        color_mode=color_mode,
        copies=copies,
    )

    scans = scan_parts(
        path, train, validation, test, class_names, label_from_name
    )
    root = (
        path
        if path is not None
        else os.path.commonpath([s.root for s in scans.values()])
    )
    names = choose_classes(scans["train"], class_names)
    faults = []
    for role, scan in scans.items():
        if role != "train":
            faults += unknown_classes(scans["train"], scan)
            if role == "validation":
                faults += missing_classes(names, scan)
    scans = {role: scan.only(names) for role, scan in scans.items()}

    problems = {}
    for scan in scans.values():
        problems |= scan.problems
        faults += empty_classes(scan)
    if check:
        found = check_images(
            file
            for scan in scans.values()
            for group in scan.images.values()
            for file in group
        )
        problems |= found
        if bad_files == "skip":
            spared = {r: scan.without(found) for r, scan in scans.items()}
            faults += emptied_classes(scans["train"], spared["train"])
            scans = spared
    faults += explain_one_class(scans["train"])
    report(Path(root), faults, problems, bad_files)

    parts = {r: samples_of(scan, names, group) for r, scan in scans.items()}
    is_divided = "validation" in parts
    parts = with_copies(parts)
    warn_of_copies(parts, copies)
    warn_of_groups(parts)
    if not is_divided and validation_split:
        parts["train"], parts["validation"] = divide(
            parts["train"], validation_split, seed, copies
        )
    if "validation" in parts:
        check_validation(names, parts["validation"].labels)
    options = {
        "class_names": names,
        "image_size": size,
        "color_mode": color_mode,
        "batch_size": batch_size,
        "label_mode": label_mode,
        "seed": seed,
    }
    return build_parts(parts, shuffle, augment, cache, options)


def scan_parts(
    path: str | os.PathLike | None,
    train: str | os.PathLike | None = None,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    class_names: Sequence[str] | None = None,
    label_from_name: str | None = None,
) -> dict[str, Scan]:
    """Returns what was found for `"train"`, `"validation"` and `"test"`.

    Args:
        path: A folder that holds all of it; or, beside `validation` or
            `test`, the training part.
        train: Folder of the training part.
        validation: Folder of the validation part.
        test: Folder of the test part.
        class_names: Names of the classes, or `None`.
        label_from_name: Pattern of the files' names, or `None`.

    Raises:
        ValueError: Both or neither of `path` and `train` are given, or the
            folders cannot be read.
    """
    given = (path, train, validation, test)
    if label_from_name is not None:
        roots = flat_roots(*given)
        return {r: scan_names(p, label_from_name) for r, p in roots.items()}
    parts = layout_of(*given, class_names)._asdict().items()
    return {r: scan_classes(part) for r, part in parts if part is not None}
