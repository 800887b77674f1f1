"""The loss and the metrics that follow from what an output is."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer.checks import classifier_loss
from keras_transfer.checks import labels
from keras_transfer.checks.outputs import Output
from keras_transfer.checks.outputs import is_readable
from keras_transfer.checks.outputs import outputs_of
from keras_transfer.structure.task import KINDS
from keras_transfer.structure.task import Task
from keras_transfer.training.label_metrics import label_metrics

_EXAMPLES = (
    "loss='sparse_categorical_crossentropy' for probabilities of classes, "
    "keras.losses.SparseCategoricalCrossentropy(from_logits=True) for logits, "
    "or loss='mse' for numbers"
)


def losses_of(
    model: keras.Model,
    recorded: Mapping[str | None, Task],
    asked: Any,
    one_hot: bool,
    label_smoothing: float,
) -> Any:
    """Returns the loss of each output of a model, as `compile` takes them.

    Args:
        model: Any model.
        recorded: What `ModelInfo` says, by the name of the output.
        asked: The kind of the task that the caller asks for, or one for each
            output, or `None`.
        one_hot: Whether labels of classes are rows.
        label_smoothing: Between 0 and 1.

    Raises:
        ValueError: If a loss must be passed, with what it may be.
    """
    if not is_readable(model):
        raise ValueError(
            f"The model {model.name!r} has no graph that tells what its "
            f"outputs are. Pass loss=..., such as {_EXAMPLES}."
        )
    outputs = outputs_of(model)
    given = asked if isinstance(asked, Mapping) else {}
    unknown = [name for name in given if name not in {o.name for o in outputs}]
    if unknown:
        raise ValueError(
            f"`task` names the output {unknown[0]!r}. Expected some of "
            f"{[output.name for output in outputs]}."
        )
    losses = []
    for output in outputs:
        wanted = given.get(output.name) if given else asked
        kind = kind_of_task(output, recorded.get(output.name), wanted)
        losses.append(loss_for(output, kind, one_hot, label_smoothing))
    return _as_compiled(model, losses)


def metrics_of(
    model: keras.Model, loss: Any, recorded: Mapping[str | None, Task]
) -> Any:
    """Returns the metrics of each output of a model, as `compile` takes them.

    Args:
        model: Any model.
        loss: What it is compiled with.
        recorded: What `ModelInfo` says, by the name of the output.
    """
    trained = classifier_loss.trained_outputs(model, loss)
    metrics = [
        []
        if one is None
        else metrics_for(output, one, recorded.get(output.name))
        for output, one in trained
    ]
    if not is_readable(model):
        names = [output.name for output, _ in trained]
        is_named = isinstance(loss, Mapping)
        return (
            dict(zip(names, metrics, strict=True)) if is_named else metrics[0]
        )
    return _as_compiled(model, metrics)


def _as_compiled(model, values):
    """One value, a list or a dictionary, as the outputs of the model are."""
    structure = None
    if not isinstance(model, keras.Sequential):
        structure = model.output
    if isinstance(structure, dict):
        return dict(zip(sorted(structure), values, strict=True))
    return values if len(values) > 1 else values[0]


def kind_of_task(output: Output, recorded: Task | None, asked: Any) -> str:
    """Returns the kind of task that an output is trained for.

    Args:
        output: The output.
        recorded: What `ModelInfo` says, or `None`.
        asked: What the caller says, or `None`.

    Raises:
        ValueError: If it cannot be known.
    """
    if asked is not None:
        if asked not in KINDS:
            raise ValueError(
                f"`task` must be one of {list(KINDS)}. Received: {asked!r}."
            )
        return asked
    kind = output.task if output.task in KINDS else None
    if kind in (None, "classification") and recorded is not None:
        kind = recorded.kind
    if kind in (None, "classification"):
        if output.kind == "sigmoid" and output.units != 1:
            return "multi_label"
        if output.kind in ("softmax", "sigmoid", "ordinal"):
            return "classification"
    if kind is None:
        raise ValueError(_cannot_know(output))
    return kind


def _cannot_know(output):
    what = "The output" + (f" {output.name!r}" if output.name else "")
    if output.kind == "unknown":
        return (
            f"{what} is computed by what does not tell whether it holds "
            f"probabilities, logits or numbers. Pass loss=..., such as "
            f"{_EXAMPLES}, or give the last layer an attribute "
            "`output_activation` such as 'softmax'."
        )
    named = "{{{0!r}: {1!r}}}" if output.name else "{1!r}"
    numbers = named.format(output.name, "regression")
    if output.kind == "linear":
        logits = named.format(output.name, "classification")
        return (
            f"{what} is linear: it may hold logits of classes or numbers. Pass "
            f"task={logits} or task={numbers}, or loss=..."
        )
    return (
        f"{what} ends in {output.kind!r}, which does not give probabilities of "
        f"classes. Pass task={numbers} for numbers, or loss=..."
    )


def loss_for(
    output: Output, kind: str, one_hot: bool, label_smoothing: float
) -> keras.losses.Loss:
    """Returns the loss of an output.

    Args:
        output: The output.
        kind: The kind of its task.
        one_hot: Whether labels of classes are rows.
        label_smoothing: Between 0 and 1.

    Raises:
        ValueError: If the output cannot be what the task needs, or the labels
            cannot be smoothed.
    """
    if kind == "regression":
        if label_smoothing:
            raise ValueError(
                "`label_smoothing` is for labels of classes. Received: "
                f"label_smoothing={label_smoothing} for a regression."
            )
        return keras.losses.MeanSquaredError()
    from_logits = output.kind == "linear"
    is_single = output.units == 1 and output.kind != "ordinal"
    is_binary = kind == "multi_label" or is_single
    fitting = ("sigmoid",) if is_binary else ("softmax", "ordinal")
    if output.kind == "softmax" and output.units == 1:
        raise ValueError(
            "A softmax over a single unit is always 1. End the model in a "
            "sigmoid, or in two units."
        )
    if output.kind not in (*fitting, "linear"):
        raise ValueError(_cannot_know(output))
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
    if is_binary:
        return keras.losses.BinaryCrossentropy(**options)
    if one_hot:
        return keras.losses.CategoricalCrossentropy(**options)
    if label_smoothing:
        raise ValueError(
            "`label_smoothing` needs one-hot labels: pass one_hot=True and "
            f"labels of shape (batch, {output.units}). Received: "
            f"label_smoothing={label_smoothing}, one_hot=False."
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def metrics_for(output: Output, loss: Any, recorded: Task | None) -> list[Any]:
    """Returns the metrics that say how well an output is learned by a loss.

    Args:
        output: The output.
        loss: Its loss.
        recorded: What `ModelInfo` says, with thresholds; or `None`.

    Returns:
        Accuracy for labels of classes; also `mean_average_precision` (the
        mean area under the precision-recall curves, over 200 thresholds) and
        `f1` for several labels; `mae` and `r2_score` for numbers. None for a
        loss that does not tell what its labels are.
    """
    form = labels.reads(loss)
    is_flat = len(output.shape) == 2
    if form == "numbers":
        metrics = [keras.metrics.MeanAbsoluteError(name="mae")]
        r2_score = [keras.metrics.R2Score(name="r2_score")] if is_flat else []
        return [*metrics, *r2_score]
    if form == "rows of classes":
        return [keras.metrics.CategoricalAccuracy(name="accuracy")]
    if form == "numbers of classes":
        if classifier_loss.setting(loss, "ignore_class") is not None:
            return []  # Accuracy would count what is ignored.
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    if form != "binary":
        return []
    from_logits = classifier_loss.setting(loss, "from_logits", False)
    units = output.units if output.shape else None
    is_labels = recorded is not None and recorded.kind == "multi_label"
    if units is None or (units == 1 and not is_labels):
        return [
            keras.metrics.BinaryAccuracy(
                name="accuracy", threshold=0.0 if from_logits else 0.5
            )
        ]
    thresholds = recorded.thresholds if is_labels else None
    if thresholds is None or len(thresholds) != units:
        thresholds = [0.5] * units
    return label_metrics(thresholds, from_logits, is_flat)
