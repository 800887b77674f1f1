"""`fit` that computes the features of frozen layers only once."""

import contextlib
import os
import sys
from typing import Any

import keras

from keras_transfer.data.copies import warn_of_copies
from keras_transfer.features.budget import check_cache
from keras_transfer.features.budget import room_for
from keras_transfer.features.cached_steps import CachedSteps
from keras_transfer.features.decision import decide
from keras_transfer.features.refill import Refill
from keras_transfer.features.rows import Refusal
from keras_transfer.features.view_rows import check_views
from keras_transfer.training import compiling
from keras_transfer.training.arguments import as_list
from keras_transfer.training.arguments import check_names
from keras_transfer.training.arguments import prepare


def fit(
    model: keras.Model,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    *,
    cache: str | os.PathLike | bool = "auto",
    cache_dtype: str | None = None,
    views: int | None = None,
    **fit_arguments: Any,
) -> keras.callbacks.History:
    """Trains like `model.fit`, but computes frozen layers only once.

    The output of the frozen layers for each image is kept, in memory or on
    disk, and each training step starts from it. This is done wherever it does
    not change the result: on TensorFlow, if the frozen layers draw no random
    numbers, and if the data are arrays or come from `kt.data.from_directory`
    without augmentation. When a schedule moves the freeze boundary, training
    continues from other features; one pass computes the features for every
    boundary that is known beforehand. Callbacks, the order of images, metrics
    and the history are those of an ordinary `fit`. The data are checked first,
    and a loss that becomes NaN is an error.

    A step on a batch of the same images in the same order gives bit-identical
    results. In a batch with other images, the features of an image may differ
    in the last bit, as convolutions do on most processors.

    Args:
        model: A compiled model.
        x: What `fit` takes as `x`; a list of images counts as one array.
        y: What `fit` takes as `y`. Defaults to `None`.
        batch_size: What `fit` takes. Defaults to `None`: 32.
        epochs: What `fit` takes. Defaults to 1.
        verbose: What `fit` takes; 0 also hides the progress of the cache.
        callbacks: What `fit` takes: one or several. Defaults to `None`.
        validation_split: What `fit` takes. Defaults to 0.
        validation_data: What `fit` takes. Defaults to `None`.
        cache: `"auto"` caches features where that does not change the result,
            and otherwise trains the ordinary way and says why on stderr.
            Features larger than half of the free memory go to a temporary
            folder. With `"memory"`, both cases are errors. A path keeps the
            features in that folder, so that a later training on the same
            frozen weights and data reuses them and an interrupted one
            continues; features of other weights or data are computed anew.
            `False` is `model.fit`. Defaults to `"auto"`.
        cache_dtype: `"float32"`, or `"float16"` or `"bfloat16"`, which take
            half the space and round the features, and thus the results.
            Defaults to `None`: the type in which they are computed.
        views: Number of augmented versions of each photograph that are
            computed once. Each epoch draws one of them, which approximates
            ordinary training with new augmentations in every epoch. It needs
            data with `augment`. Defaults to `None`: augmented data are not
            cached.
        **fit_arguments: Anything else that `fit` takes. In `class_weight`
            the names of a model's classes may stand for their numbers.

    Returns:
        The history of `fit`. If something ended training before the last
        epoch, such as `EarlyStopping`, its `ended_by` says what it was, which
        is also printed unless `verbose` is 0; otherwise it is `None`.

    Raises:
        ValueError: Before any training, for an unknown `cache` or
            `cache_dtype`, for `views` of data without augmentation, for
            `"memory"` or a path if the results would change or the features
            do not fit, and for data or a loss that the model cannot learn
            from.
        NaNLossError: If the loss becomes NaN during training.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> kt.freeze(model)
    >>> model = kt.compile_for_transfer(model)
    >>> x, y = np.full((4, 8, 8, 3), 200), np.array([0, 1, 0, 1])
    >>> len(kt.fit(model, x, y, epochs=3, verbose=0).history["loss"])
    3
    """
    check_cache(cache, cache_dtype)
    check_views(views, x)
    if not getattr(model, "compiled", False):
        raise ValueError(
            f"The model {model.name!r} is not compiled. Call "
            "kt.compile_for_transfer(model) first."
        )
    given = {
        "x": x,
        "y": y,
        "batch_size": batch_size,
        "epochs": epochs,
        "verbose": verbose,
        "callbacks": callbacks,
        "validation_split": validation_split,
        "validation_data": validation_data,
        **fit_arguments,
    }
    train = compiling.plain_fit(model)
    check_names(train, fit_arguments)
    arguments = prepare(model, given)
    _warn_of_copies(x, validation_data)
    if cache is False:
        return train(**arguments)
    with contextlib.ExitStack() as stack:
        room = stack.enter_context(room_for(cache, cache_dtype, model))
        try:
            decision = decide(model, arguments, room, views)
        except Refusal as refusal:
            if cache != "auto":
                raise ValueError(
                    f"This training cannot be cached, because {refusal}. Pass "
                    "cache=False for the ordinary way."
                ) from None
            if verbose:
                print(f"kt.fit: no cache, because {refusal}.", file=sys.stderr)
            return train(**arguments)
        if views and verbose:
            print(
                f"kt.fit: each photograph is seen in {views} augmented "
                "versions, an approximation of new ones in every epoch.",
                file=sys.stderr,
            )
        steps = CachedSteps(model)
        refill = Refill(steps, decision, as_list(callbacks), bool(verbose))
        arguments = decision.numbered(arguments)
        arguments["callbacks"] = [*arguments["callbacks"], refill]
        stack.enter_context(steps.installed())
        return train(**arguments)


def _warn_of_copies(x, validation_data):
    """Compares the files of both, where they are files."""
    parts = [getattr(part, "file_paths", None) for part in (x, validation_data)]
    if None not in parts:
        warn_of_copies(*parts)
