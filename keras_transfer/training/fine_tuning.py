"""The complete fine-tuning recipe in one call."""

import os
from typing import Any

import keras

from keras_transfer import names
from keras_transfer import schedules
from keras_transfer.callbacks.best_epoch import BestEpoch
from keras_transfer.names import check_whole_number
from keras_transfer.training import compiling
from keras_transfer.training import fitting
from keras_transfer.training.arguments import as_list


@names.renamed(rates="learning_rate_multiplier")
def fine_tune(
    model: keras.Model,
    train: Any = None,
    validation: Any = None,
    *,
    epochs: int = 10,
    probe_epochs: int | None = None,
    learning_rate: float = 1e-3,
    learning_rate_multiplier: Any = None,
    warmup_steps: int = 20,
    cache: str | os.PathLike | bool = "auto",
    callbacks: Any = None,
    monitor: str | None = None,
    mode: str = "auto",
    **fit_arguments: Any,
) -> keras.callbacks.History:
    """Trains the head first, then the whole model, lower layers more slowly.

    The model ends with the weights of its best epoch: the one with the best
    validation accuracy, or training accuracy without validation data; the
    loss decides for a model without accuracy. A metric that is NaN counts as
    the worst, with a warning.

    Args:
        model: A model that `build_model` made. If it is not compiled, it is
            compiled by `compile_for_transfer`; otherwise it keeps its loss and
            its optimizer.
        train: A dataset, or `(x, y)` or `(x, y, sample_weight)`; or what
            `fit` takes as `x`, with `y` by name.
        validation: What `fit` takes as `validation_data`, by which name it
            may be passed too. Defaults to `None`.
        epochs: Number of epochs in all, at least 2. Defaults to 10.
        probe_epochs: Number of those in which only the head trains. Defaults
            to `None`: a third of all, at least 1.
        learning_rate: Of the head, where the model is not compiled yet.
            Defaults to 0.001.
        learning_rate_multiplier: What that is multiplied by, as for
            `schedules.Phase`, once everything trains. Defaults to `None`:
            geometrically from 0.001 in the first stage to 0.1 in the head.
        warmup_steps: Number of first steps over which the rate of the thawed
            backbone rises. Defaults to 20.
        cache: What `kt.fit` takes: where to keep the features of the frozen
            backbone, which are computed once. Defaults to `"auto"`.
        callbacks: Further callbacks: one or several. Defaults to `None`.
        monitor: Name of another metric by which the best epoch is chosen, such
            as `"val_auc"`. Defaults to `None`.
        mode: `"min"` or `"max"` if that metric improves by falling or rising,
            or `"auto"`: as the metric says. Defaults to `"auto"`.
        **fit_arguments: Anything else that `kt.fit` takes.

    Returns:
        The history of `fit`. If something ended training before the last
        epoch, such as `EarlyStopping`, its `ended_by` says what it was.

    Raises:
        ValueError: If there are too few epochs, the data do not fit, or it is
            not known which way `monitor` improves.
        NaNLossError: If the loss becomes NaN. The model then has the weights
            of its best epoch.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> x, y = np.full((4, 8, 8, 3), 200), np.array([0, 1, 0, 1])
    >>> history = kt.fine_tune(model, (x, y), epochs=3, verbose=0)
    >>> history.history["phase"]
    [0, 1, 1]

    Reference: [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146),
    [Kumar et al., 2022](https://arxiv.org/abs/2202.10054)
    """
    # One for the head and one for everything.
    check_whole_number("epochs", epochs, least=2)
    if not getattr(model, "compiled", False):
        compiling.compile_for_transfer(model, learning_rate=learning_rate)
    given = _with_data(train, validation, fit_arguments)
    schedule = schedules.LinearProbeThenFineTune(
        probe_epochs,
        learning_rate_multiplier=slice(0.001, 0.1)
        if learning_rate_multiplier is None
        else learning_rate_multiplier,
        warmup_steps=warmup_steps,
    )
    best = BestEpoch(monitor, mode)
    try:
        return fitting.fit(
            model,
            cache=cache,
            epochs=epochs,
            callbacks=[schedule, *as_list(callbacks), best],
            **given,
        )
    finally:
        # Also after a loss of NaN or an interruption.
        best.restore()


def _with_data(train, validation, arguments):
    """The data among the arguments of `fit`, under Keras's names."""
    held_out = arguments.get("validation_data")
    if validation is not None and held_out is not None:
        raise ValueError(
            "`validation` and `validation_data` are two names of the same "
            "argument. Pass one of them."
        )
    x = arguments.get("x")
    if (train is None) == (x is None):
        raise ValueError(
            "Expected the data either as `train`, such as "
            "kt.fine_tune(model, (x, y)), or as `x` and `y`."
        )
    train = x if train is None else train
    given = {**arguments, "validation_data": validation}
    if validation is None:
        given["validation_data"] = held_out
    is_pair = isinstance(train, tuple) or (
        isinstance(train, list) and len(train) in (2, 3)
    )
    if not is_pair or arguments.get("y") is not None:
        return {**given, "x": train}
    if len(train) > 3:
        raise ValueError(
            "`train` must be a dataset, (x, y) or (x, y, sample_weight). "
            f"Received: a tuple of {len(train)}."
        )
    x, y, weights = keras.utils.unpack_x_y_sample_weight(train)
    if weights is not None:
        given["sample_weight"] = weights
    return {**given, "x": x, "y": y}
