"""What every reader of photographs takes, and the data sets it returns."""

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from keras_transfer.data.decoded import CACHES
from keras_transfer.data.decoded import are_kept
from keras_transfer.data.images import CHANNELS
from keras_transfer.data.images import check_color_mode
from keras_transfer.data.pipeline import build_pipeline
from keras_transfer.data.scan import Scan
from keras_transfer.data.scan import groups_of
from keras_transfer.data.splitting import COPIES
from keras_transfer.data.splitting import Samples
from keras_transfer.names import check_whole_number


def build_parts(
    parts: dict[str, Samples],
    shuffle: bool,
    augment: Callable | None,
    cache: str | bool,
    options: dict[str, Any],
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """Returns the data sets of training and of validation.

    Args:
        parts: The photographs of `"train"`, `"validation"` and `"test"`; all
            but the first may be missing.
        shuffle: Whether training images come in a new order in every epoch.
        augment: What is applied to training images, or `None`.
        cache: Whether decoded images are kept, as of `from_directory`.
        options: Further arguments of `build_pipeline`.
    """
    shape = (*options["image_size"], CHANNELS[options["color_mode"]])
    keep = are_kept(cache, sum(map(len, parts.values())), shape)
    build = partial(build_pipeline, keep_decoded=keep, **options)
    first = build(parts["train"], shuffle=shuffle, augment=augment)
    held_out = {
        role: build(part, shuffle=False)
        for role, part in parts.items()
        if role != "train"
    }
    first.test = held_out.get("test")
    return first, held_out.get("validation")


def check_arguments(
    *,
    batch_size: int,
    validation_split: float,
    seed: int,
    class_names: Sequence[str] | None,
    augment: Callable | None,
    label_mode: str,
    bad_files: str,
    cache: str | bool,
    color_mode: str,
    copies: str,
) -> None:
    """Raises for arguments of `from_directory` that are out of range."""
    check_color_mode(color_mode)
    _check_choice("label_mode", label_mode, ("int", "categorical"))
    _check_choice("bad_files", bad_files, ("error", "skip"))
    _check_choice("cache", cache, CACHES)
    _check_choice("copies", copies, COPIES)
    check_whole_number("batch_size", batch_size, least=1)
    is_number = isinstance(validation_split, int | float)
    if not is_number or not 0 <= validation_split < 1:
        raise ValueError(
            "`validation_split` must be a fraction from 0 to below 1. "
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


def samples_of(
    scan: Scan, class_names: Sequence[str], group: str | None = None
) -> Samples:
    """Returns the images of a scan, class by class.

    Args:
        scan: The images.
        class_names: The classes in the order of their numbers.
        group: Regular expression with a group `group`, or `None`.

    Raises:
        ValueError: The name of an image does not say its group.
    """
    found = [
        (file, number)
        for number, name in enumerate(class_names)
        for file in scan.images.get(name, [])
    ]
    paths = [file for file, _ in found]
    labels = np.array([number for _, number in found], dtype="int32")
    groups = None
    if group is not None:
        groups = groups_of(scan.root, paths, group)
    return Samples(paths, labels, groups)
