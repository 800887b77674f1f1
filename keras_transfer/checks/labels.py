"""Labels that a loss would misread, with what to do about them."""

from typing import Any

import numpy as np

from keras_transfer.checks import classifier_loss
from keras_transfer.checks.outputs import Output

# Rows of probabilities that were computed in 32 bits, or written by hand.
_TOLERANCE = 1e-3
_MULTI_LABEL = (
    "For several classes at once build the head with task='multi_label', "
    "whose loss is binary crossentropy"
)
_NUMBERS = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)


def reads(loss: Any) -> str | None:
    """Returns what a loss takes labels for.

    Args:
        loss: What `compile` takes as `loss`.

    Returns:
        `"numbers of classes"`, `"rows of classes"` (one-hot or
        probabilities), `"binary"`, `"numbers"`, or `None` if nobody knows.
    """
    name = classifier_loss.loss_name(loss) or ""
    if name.startswith("sparse_categorical"):
        return "numbers of classes"
    if name.startswith("categorical_") and name.endswith("crossentropy"):
        return "rows of classes"
    if name.startswith("binary_") and name.endswith("crossentropy"):
        return "binary"
    return "numbers" if name in _NUMBERS else None


def check_labels(
    model: str,
    output: Output,
    loss: Any,
    labels: np.ndarray,
    names: list[str] | None = None,
) -> None:
    """Raises for labels that the loss of an output would misread.

    Args:
        model: Name of the model.
        output: The output.
        loss: Its loss; one that is not Keras's own takes any labels.
        labels: The labels.
        names: Names of the classes, or `None`.

    Raises:
        ValueError: With what the loss expects and how to mend it.
    """
    form = reads(loss)
    if form is None or not output.shape:
        return
    owner = f"model {model!r}"
    if output.name is not None:
        owner = f"output {output.name!r} of {model!r}"
    if labels.dtype.kind in "USO":
        if form == "numbers":
            raise ValueError(
                f"The {owner} learns numbers. Received text such as "
                f"{labels.flat[0]!r}. Convert it: labels.astype('float32')."
            )
        count = max(output.units or 2, 2)
        raise ValueError(
            f"Labels must be class numbers, 0 to {count - 1}. Received text "
            f"such as {labels.flat[0]!r}. Map it through the class names"
            f"{f' {names}' if names else ''}: names.index(label)."
        )
    checks = {
        "numbers of classes": _check_class_numbers,
        "rows of classes": _check_rows,
        "binary": _check_binary,
        "numbers": _check_numbers,
    }
    checks[form](owner, output, loss, labels, names)


def _check_class_numbers(owner, output, loss, labels, names):
    if output.units > 1 and _fits(labels.shape, output.shape):
        is_binary = np.isin(labels, (0, 1)).all()
        mend = "Compile with kt.compile_for_transfer(model, one_hot=True)"
        if _adds_up(labels):
            form = "one-hot" if is_binary else "probabilities of classes"
            argmax = ", or give labels.argmax(-1)" if is_binary else ""
            mend += argmax
        else:
            form = "several classes at once" if is_binary else "rows of numbers"
            mend = _MULTI_LABEL
        raise ValueError(
            f"The labels are {form}, of shape {labels.shape}, but the loss "
            f"{classifier_loss.loss_name(loss)!r} expects class numbers. "
            f"{mend}."
        )
    lead = output.shape[:-1]
    if not _fits(labels.shape, lead) and not _fits(labels.shape, (*lead, 1)):
        raise ValueError(
            f"Labels must be of shape {_spelled(lead)} with class numbers or "
            f"{_spelled(output.shape)}. Received the shape {labels.shape}."
        )
    ignored = classifier_loss.setting(loss, "ignore_class")
    if ignored is not None:
        labels = labels[labels != ignored]
    if not np.all(labels == np.floor(labels)):
        raise ValueError(
            "Labels must be whole class numbers. Received "
            f"{labels[labels != np.floor(labels)].flat[0]!r}. To predict "
            "numbers, build the head with task='regression'."
        )
    _check_range(owner, output.units, labels, names)


def _check_rows(owner, output, loss, labels, names):
    if not _fits(labels.shape, output.shape):
        name = classifier_loss.loss_name(loss)
        raise ValueError(
            f"The labels are class numbers, of shape {labels.shape}, but the "
            f"loss {name!r} expects one-hot rows. Compile with "
            "kt.compile_for_transfer(model), or give keras.utils."
            f"to_categorical(labels, {output.units})."
            if labels.ndim < len(output.shape) or labels.shape[-1] == 1
            else f"Labels must be of shape {_spelled(output.shape)} under the "
            f"loss {name!r}. Received the shape {labels.shape}."
        )
    if not _adds_up(labels):
        raise ValueError(
            f"The {owner} gives probabilities that add up to 1, but a row of "
            f"labels adds up to {_first_sum(labels):g}. {_MULTI_LABEL}; for "
            "one class for each image correct the labels."
        )


def _check_binary(owner, output, loss, labels, names):
    shape = output.shape if len(output.shape) > 1 else (*output.shape, 1)
    fits = _fits(labels.shape, shape) or (
        shape[-1] == 1 and _fits(labels.shape, shape[:-1])
    )
    if not fits and shape[-1] == 1 and _fits(labels.shape, (*shape[:-1], 2)):
        raise ValueError(
            f"The {owner} has one unit, but the labels have two columns, shape "
            f"{labels.shape}. Give labels.argmax(-1), or build the head with "
            "num_classes=2."
        )
    if not fits:
        lead = "" if shape[-1] > 1 else f" or {_spelled(shape[:-1])}"
        raise ValueError(
            f"Labels must be of shape {_spelled(shape)}{lead}: the {owner} "
            f"has {shape[-1]} independent outputs under the loss "
            f"{classifier_loss.loss_name(loss)!r}. Received the shape "
            f"{labels.shape}."
            + (
                " For one class of several for each image build the head with "
                "activation='softmax'."
                if shape[-1] > 1
                else ""
            )
        )
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(f"The labels of the {owner} hold NaN.")
    outside = labels[(labels < 0) | (labels > 1)]
    if outside.size and shape[-1] == 1:
        _check_range(owner, 2, labels, names)
    if outside.size:
        raise ValueError(
            f"Labels of the {owner} must lie between 0 and 1. Received "
            f"{outside.flat[0]:g}. To predict numbers, build the head with "
            "task='regression'."
        )


def _check_numbers(owner, output, loss, labels, names):
    shape = output.shape
    fits = _fits(labels.shape, shape) or (
        shape[-1] == 1 and _fits(labels.shape, shape[:-1])
    )
    if not fits and not _fits(labels.shape, (*shape, 1)):
        # Keras would stretch one of the two along the other.
        raise ValueError(
            f"The {owner} predicts {_spelled(shape)} numbers, but the labels "
            f"have the shape {labels.shape}. Give one number for each output."
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"The labels of the {owner} hold NaN or infinity.")


def _check_range(owner, num_classes, labels, names):
    outside = labels[(labels < 0) | (labels >= num_classes)]
    if not outside.size:
        return
    mend = (
        f"Build the head with num_classes={int(labels.max()) + 1}"
        if labels.min() >= 0
        else "Number the classes from 0"
    )
    raise ValueError(
        f"Label {int(outside.flat[0])} is outside [0, {num_classes}): the "
        f"{owner} has {num_classes} classes"
        f"{f' {names}' if names else ''}, and labels count from 0. "
        f"{mend}, or correct the labels."
    )


def _adds_up(rows):
    sums = rows.sum(-1, dtype="float64")
    return bool((rows >= 0).all() and (abs(sums - 1) < _TOLERANCE).all())


def _first_sum(rows):
    sums = rows.sum(-1, dtype="float64")
    return sums[abs(sums - 1) >= _TOLERANCE].flat[0] if rows.size else 0


def _fits(shape, expected):
    """Whether labels have a shape, whose batch axis and open axes are any."""
    return len(shape) == len(expected) and all(
        length is None or length == actual
        for length, actual in zip(expected[1:], shape[1:], strict=True)
    )


def _spelled(shape):
    lengths = ["any" if n is None else str(n) for n in shape[1:]]
    return f"(batch, {', '.join(lengths)})" if lengths else "(batch,)"
