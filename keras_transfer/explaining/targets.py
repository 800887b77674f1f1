"""What is explained: a class, one class for each image, or any score."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_transfer import names


@dataclasses.dataclass(frozen=True)
class Contrast:
    """What speaks for a class and not just as much for the others.

    Give it to an explanation as its target. The score is the logit of the
    class less the mean of the others. Prefer it for heads of few classes: what
    the weights of all classes have in common, from their random start on, has
    no effect on a softmax, but shows in the explanation of a single logit.

    Args:
        target: The class by number or name, or a sequence with one for each
            image. Defaults to `None`: the predicted class.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    >>> kt.layer_cam(model, image, kt.Contrast(1)).shape
    (1, 8, 8)
    """

    target: int | str | Sequence[int | str] | None = None


Class = int | str | Sequence[int | str] | None
Target = Class | Contrast | Callable[[Any], Any]


def score_function(
    target: Target,
    logits: np.ndarray,
    class_names: Sequence[str] | None,
    kind: str = "classification",
) -> Callable[[Any], Any]:
    """Returns a function from logits to one score for each image.

    Args:
        target: A class by number or name, a sequence with one for each image,
            a `Contrast`, a function of the logits, or `None` for the
            predicted class.
        logits: The model's logits for the images.
        class_names: Names of the classes, labels, grades or numbers, or
            `None`.
        kind: Kind of the output's task. Defaults to `"classification"`.

    Raises:
        ValueError: For an unknown class or the wrong number of classes, or a
            contrast of numbers.
        TypeError: For anything else.
    """
    if callable(target):
        return _checked(target)
    is_contrast = isinstance(target, Contrast)
    if is_contrast and kind == "regression":
        raise ValueError(
            "A Contrast compares classes, and this output gives numbers. Name "
            "one of them, or leave out the target."
        )
    target = target.target if is_contrast else target
    weights = _weights(
        class_numbers(target, logits, class_names, kind), logits, kind
    )
    if is_contrast and logits.shape[-1] > 1:
        # The logit of a single unit is a contrast already.
        others = logits.shape[-1] - 1
        weights = weights - (1 - weights) / others
    return lambda z: ops.sum(z * ops.cast(weights, z.dtype), axis=-1)


def class_numbers(
    target: Class,
    logits: np.ndarray,
    class_names: Sequence[str] | None,
    kind: str = "classification",
) -> list[int]:
    """Returns the number of the class that is explained in each image.

    A classifier of one unit has two classes: 1 where its logit is positive, 0
    where minus the logit is.

    Args:
        target: As for `score_function`, but a class.
        logits: The model's logits for the images.
        class_names: As for `score_function`.
        kind: As for `score_function`.

    Raises:
        ValueError: For an unknown class, the wrong number of classes, or none
            where there are several numbers.
        TypeError: For anything else.
    """
    if logits.ndim != 2:
        raise ValueError(
            "Classes can be explained where the model returns (batch, "
            f"num_classes). Received an output of shape {logits.shape}: give "
            "`target` a function of it that returns one score for each image."
        )
    is_pair = logits.shape[-1] == 1 and kind == "classification"
    if target is None:
        if kind == "regression" and logits.shape[-1] > 1:
            known = list(class_names or range(logits.shape[-1]))
            raise ValueError(
                f"The output gives the numbers {known}: say which one to "
                "explain, `target=` one of them."
            )
        if is_pair:
            return [int(logit > 0) for logit in logits[:, 0]]
        return [int(number) for number in logits.argmax(-1)]
    num_classes = 2 if is_pair else logits.shape[-1]
    is_sequence = isinstance(target, (list, tuple, np.ndarray))
    chosen = list(target) if is_sequence else [target] * len(logits)
    if len(chosen) != len(logits):
        raise ValueError(
            "A sequence of classes needs one for each image. Received "
            f"{len(chosen)} classes for {len(logits)} images."
        )
    return [_number(one, num_classes, class_names) for one in chosen]


def _number(target, num_classes, class_names):
    if isinstance(target, str):
        known = list(class_names or ())
        if target not in known:
            raise ValueError(
                f"Unknown class {target!r}. Expected "
                + (f"one of {known}" if known else "a number")
                + ("." if known else ", since the model has no class names.")
                + names.did_you_mean(target, known)
            )
        return known.index(target)
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)):
        raise TypeError(
            "`target` must be a class by number or name, a sequence with one "
            "for each image, a Contrast, a function of the logits, or None. "
            "Received: "
            f"{target!r} of type {type(target).__name__}."
        )
    if not 0 <= target < num_classes:
        raise ValueError(
            f"The class {int(target)} is outside [0, {num_classes}): the "
            f"model has {num_classes} classes"
            f"{f' {list(class_names)}' if class_names else ''}."
        )
    return int(target)


def _weights(numbers, logits, kind):
    if logits.shape[-1] == 1 and kind == "classification":
        return np.array([[1.0 if n else -1.0] for n in numbers], "float32")
    return np.eye(logits.shape[-1], dtype="float32")[numbers]


def _checked(function):
    def score(logits):
        scores = function(logits)
        shape = tuple(getattr(scores, "shape", ()))
        if shape != (logits.shape[0],):
            raise ValueError(
                "`target` as a function must return one score for each image, "
                f"of shape ({logits.shape[0]},). Received the shape {shape}."
            )
        return scores

    return score
