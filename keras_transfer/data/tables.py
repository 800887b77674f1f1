"""Training pipelines from a table of photographs and their labels."""

import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_transfer.data.check import check_images
from keras_transfer.data.classes import check_validation
from keras_transfer.data.classes import report
from keras_transfer.data.columns import Columns
from keras_transfer.data.folder_names import TEST
from keras_transfer.data.folder_names import TRAIN
from keras_transfer.data.folder_names import VALIDATION
from keras_transfer.data.folder_names import role_of
from keras_transfer.data.images import as_image_size
from keras_transfer.data.label_columns import Labels
from keras_transfer.data.leaks import warn_of_copies
from keras_transfer.data.leaks import warn_of_groups
from keras_transfer.data.parts import build_parts
from keras_transfer.data.parts import check_arguments
from keras_transfer.data.splitting import Samples
from keras_transfer.data.splitting import divide
from keras_transfer.data.splitting import with_copies
from keras_transfer.data.table_files import read_table

if TYPE_CHECKING:
    import tensorflow as tf


def from_table(
    table: Any,
    *,
    image: str = "file",
    label: str | None = None,
    labels: str | Sequence[str] | None = None,
    separator: str | None = None,
    target: str | Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    split: str | None = None,
    group: str | None = None,
    weight: str | None = None,
    images: str | os.PathLike | None = None,
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
) -> tuple["tf.data.Dataset", "tf.data.Dataset | None"]:
    """Makes training and validation pipelines from a table of photographs.

    Needs pandas, and for Parquet pyarrow: `pip install keras-transfer[tables]`.

    Args:
        table: A `.csv`, `.tsv` or `.parquet` file with a row for each
            photograph, or a pandas `DataFrame`.
        image: Column with the names of the files, below `images`; the
            extension may be missing. Defaults to `"file"`.
        label: Column with the class of each photograph.
        labels: Columns with 0 or 1 for each of several labels; or one column
            with all labels of a photograph, apart by `separator`.
        separator: What stands between labels in one column, such as `"|"`.
            Defaults to `None`: `labels` are columns.
        target: Column, or columns, with numbers to be learned. They are scaled
            to mean 0 and standard deviation 1 over the training photographs.
        units: Unit of each target by its column, such as `{"age": "years"}`.
            Defaults to `None`: none.
        split: Column that says whether a photograph is for training,
            validation or the test (`train`, `val`, `test` and the like).
            Defaults to `None`: training is split at random.
        group: Column of what must not be on both sides of a split, such as a
            patient. Defaults to `None`.
        weight: Column with how much each photograph counts, at least 0.
            Defaults to `None`: all the same.
        images: Folder of the files. Defaults to `None`: that of the table, or
            the current one.
        image_size: As of `from_directory`, like all that follow.
        batch_size: Images per batch.
        validation_split: Fraction held out where `split` names no validation.
        seed: Whole number that decides every draw.
        class_names: The classes or labels in the order of the outputs.
            Defaults to `None`: all, in natural order; columns as given.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        label_mode: `"int"` or `"categorical"`, for classes.
        augment: What is applied to training images only, or `None`.
        shuffle: Whether training images come in a new order in every epoch.
        check: Whether every file is read once to find the broken ones.
        bad_files: `"error"` or `"skip"`.
        cache: Whether decoded images are kept in memory.
        copies: Whether copies stay on one side of a split.

    Returns:
        Pair of `tf.data.Dataset` as of `from_directory`, of `(images, labels)`
        or, with `weight`, of triples. Labels are int32 class numbers; or
        float32 of shape `(batch, labels)`: 0 or 1, or scaled numbers. Each has
        the attributes `task` (as heads take it) and `targets` (names, units,
        mean and std, as `build_model` takes them, or `None`); numbers have no
        `class_names`. The first has `test`.

    Raises:
        ImportError: pandas is not installed.
        ValueError: A column is missing or cannot be read as what it should
            be, files are missing, or an argument is out of range.

    Example:
    >>> import pandas as pd
    >>> import keras_transfer as kt
    >>> table = pd.DataFrame(
    ...     {"file": ["ants/1.jpg", "ants/2.jpg", "bees/1.jpg", "bees/2.jpg"],
    ...      "age": [2, 3, 5, 6]})
    >>> train, validation = kt.data.from_table(
    ...     table, target="age", images="photos", validation_split=0.5)
    >>> train.task
    'regression'
    """
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
    size = as_image_size(image_size)
    columns = read_table(table)
    asked = Labels.asked(label, labels, separator, target, units, class_names)
    columns.require(image, "image", looks_like="images")
    for name in asked.columns:
        columns.require(name, asked.argument)
    for argument, name in (("split", split), ("group", group)):
        if name is not None:
            columns.require(name, argument)
    if weight is not None:
        columns.require(weight, "weight")

    root = Path(images if images is not None else columns.folder)
    found = columns.files(image, root)
    roles = _roles(columns, split)
    samples = Samples(
        found,
        asked.read(columns),
        None if group is None else columns.texts(group),
        None if weight is None else columns.numbers(weight, least=0.0),
    )
    if check:
        problems = check_images(found)
        report(root, [], problems, bad_files)
        sound = [row for row, path in enumerate(found) if path not in problems]
        samples, roles = samples.take(sound), roles[sound]
    parts = {
        role: samples.take(np.flatnonzero(roles == role))
        for role in (TRAIN, VALIDATION, TEST)
        if (roles == role).any()
    }
    if TRAIN not in parts:
        raise ValueError(
            f"The column {split!r} names no photograph for training. Expected "
            "'train' for some."
        )
    is_divided = VALIDATION in parts
    parts = with_copies(parts)
    warn_of_copies(parts, copies)
    warn_of_groups(parts)
    if not is_divided and validation_split:
        parts[TRAIN], held_out = divide(
            parts[TRAIN], validation_split, seed, copies
        )
        parts = {TRAIN: parts.pop(TRAIN), VALIDATION: held_out, **parts}
    parts, targets = asked.scaled(parts)
    if asked.task == "classification" and VALIDATION in parts:
        check_validation(asked.class_names, parts[VALIDATION].labels)
    options = {
        "class_names": asked.class_names,
        "image_size": size,
        "color_mode": color_mode,
        "batch_size": batch_size,
        "label_mode": label_mode,
        "seed": seed,
        "task": asked.task,
        "targets": targets,
    }
    return build_parts(parts, shuffle, augment, cache, options)


def _roles(columns: Columns, split: str | None) -> np.ndarray:
    if split is None:
        return np.full(len(columns), TRAIN)
    texts = columns.texts(split)
    known = {text: role_of(text) for text in sorted(set(texts.tolist()))}
    strange = [text for text, role in known.items() if role is None]
    if strange:
        raise ValueError(
            f"The column {split!r} holds {strange[0]!r}, which is no part of a "
            "data set. Expected 'train', 'validation' or 'test' for each "
            "photograph."
        )
    return np.array([known[text] for text in texts])
