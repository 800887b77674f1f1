"""`fit` that computes what is frozen only once."""

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.features.budget import check_cache
from keras_transfer.features.budget import room_for
from keras_transfer.features.cached_steps import CachedSteps
from keras_transfer.features.decision import decide
from keras_transfer.features.refill import Refill
from keras_transfer.features.rows import Refusal
from keras_transfer.features.view_rows import check_views
from keras_transfer.training import careful_fit
from keras_transfer.training import compiling


def fit(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    cache: str | os.PathLike | bool = "auto",
    cache_dtype: str | None = None,
    views: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    verbose: str | int = "auto",
    **fit_arguments: Any,
) -> keras.callbacks.History:
    """Trains as `model.fit` does, and computes what is frozen only once.

    What the frozen layers make of each image is kept, in memory or on disk,
    and the steps of training begin there. That is done wherever it cannot
    change the result: on TensorFlow, when what is frozen draws no random
    numbers, and the data are arrays or come from `kt.data.from_directory`
    without augmentation. When a schedule moves the freeze boundary, other
    features are read; those that are known to be needed are computed in one
    pass. Callbacks, the order of images, metrics and the history are those of
    one ordinary `fit`. The first data are checked, and a loss that becomes NaN
    is an error.

    The steps are the same bit for bit for a batch of the same images in the
    same order. Computed beside other images, the features of one may differ
    in the last bit, which is how convolutions are on most processors.

    Args:
        model: A compiled model.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`. Defaults to `None`.
        validation_data: What `fit` takes. Defaults to `None`.
        cache: `"auto"` computes once where that changes nothing and trains
            the ordinary way elsewhere, with a line on stderr that says why.
            Features that are larger than half of the free memory go to a
            temporary folder. `"memory"` makes either an error. A path keeps
            them in that folder, for another training on the same frozen
            weights and data or to go on after a kill; what was made from
            others is computed anew. `False` is `model.fit`. Defaults to
            `"auto"`.
        cache_dtype: `"float32"`, or half the space in `"float16"` or
            `"bfloat16"`, which rounds the features and so the results.
            Defaults to `None`: as they are computed.
        views: Number of augmented versions of each photograph that are
            computed once, of which each epoch draws one: an approximation of
            ordinary training, where every epoch makes new ones. It needs data
            with `augment`. Defaults to `None`: augmented data are not cached.
        callbacks: What `fit` takes, as a list. Defaults to none.
        verbose: What `fit` takes; 0 also hides the progress of computing.
        **fit_arguments: Anything else that `fit` takes.

    Returns:
        The history of `fit`.

    Raises:
        ValueError: For an unknown `cache` or `cache_dtype`, or `views` of what
            is not augmented; for `"memory"` or a path where the results would
            change or there is too little room; for data or a loss that the
            model cannot learn from, before any training; during it, if the
            loss becomes NaN.

    Example:
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> kt.freeze(model)
    >>> model = kt.compile_for_transfer(model)
    >>> x, y = np.full((4, 8, 8, 3), 200), np.array([0, 1, 0, 1])
    >>> len(fit(model, x, y, epochs=3, verbose=0).history["loss"])
    3
    """
    check_cache(cache, cache_dtype)
    check_views(views, x)
    if not getattr(model, "compiled", False):
        raise ValueError(
            f"The model {model.name!r} is not compiled. Call "
            "kt.compile_for_transfer(model) first."
        )
    arguments = {
        "x": x,
        "y": y,
        "validation_data": validation_data,
        "callbacks": callbacks,
        "verbose": verbose,
        **fit_arguments,
    }
    arguments = careful_fit.prepare(model, arguments)
    train = compiling.plain_fit(model)
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
        refill = Refill(steps, decision, callbacks or (), bool(verbose))
        arguments = decision.numbered(arguments)
        arguments["callbacks"] = [*arguments["callbacks"], refill]
        stack.enter_context(steps.installed())
        return train(**arguments)
