"""The evaluation of a model on photographs whose answers are known."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.evaluation import figures as of
from keras_transfer.evaluation.material import Material
from keras_transfer.evaluation.material import held_out_part
from keras_transfer.evaluation.material import material_of
from keras_transfer.evaluation.material import sound_part
from keras_transfer.evaluation.predictor import Predictor
from keras_transfer.evaluation.predictor import check_pixels
from keras_transfer.evaluation.predictor import open_predictor
from keras_transfer.evaluation.result import Evaluation
from keras_transfer.names import did_you_mean


def evaluate(
    model: Any,
    data: Any,
    threshold: float | None = None,
    *,
    output: str | None = None,
    bad_files: str = "error",
    trust: bool = False,
) -> Evaluation:
    """Tells how good a model is on photographs whose answers are known.

    Args:
        model: A Keras model, or the path of a `.keras` file or of an exported
            one (ONNX, LiteRT, SavedModel, OpenVINO).
        data: A folder of class folders, of which the test set is taken where
            there is one, otherwise the validation set, otherwise everything;
            a data set of `kt.data`; or a pair `(images, labels)` of arrays,
            pixels from 0 to 255. Class folders are matched by name, whatever
            their order. Labels are class numbers, one-hot rows, rows of 0 and
            1 for a `"multi_label"` model, or numbers in their units for a
            `"regression"`.
        threshold: For two classes the probability of the second one, for
            several labels that of each, from which on it is predicted.
            Defaults to `None`: the more probable class; the thresholds of the
            model's task.
        output: Name of the output to be judged, of a model with several.
            Defaults to `None`: the only one.
        bad_files: `"error"` to raise for files that are no sound image;
            `"skip"` to leave them out with a warning. Defaults to `"error"`.
        trust: Whether to run a SavedModel without digests beside it.

    Returns:
        An `Evaluation`: `.figures` are plain values, `.table()` shows them,
        `.html("report.html")` writes a page with pictures.

    Raises:
        ValueError: For classes that are not those of the model, labels that
            do not fit its task, a threshold that decides nothing, or files
            that cannot be read.
        TypeError: For models or data of another kind.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax", kernel_initializer="zeros")])
    >>> images = np.zeros((4, 8, 8, 3), "uint8")
    >>> kt.evaluate(model, (images, [0, 0, 0, 1])).accuracy
    0.75

    Reference: [Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)
    """
    if bad_files not in ("error", "skip"):
        raise ValueError(
            "`bad_files` must be one of ['error', 'skip']. "
            f"Received: bad_files={bad_files!r}"
        )
    predictor = open_predictor(model, trust, output)
    found, split = held_out_part(material_of(data))
    material = sound_part(found, bad_files)
    if material.pixels is not None:
        check_pixels(predictor, material.pixels)
    labels = _labels(predictor, material)
    material = dataclasses.replace(material, labels=labels)
    batches = material.batches(
        predictor.image_size, predictor.color_mode, predictor.batch_size
    )
    said = [predictor.says(np.asarray(b, "float32")) for b in batches]
    outputs = np.concatenate(said)
    _check_outputs(predictor, outputs, labels)
    source = _source(material, split)
    return judged(predictor, material, outputs, threshold, source)


def judged(
    predictor: Predictor,
    material: Material,
    outputs: np.ndarray,
    threshold: float | None,
    source: str,
) -> Evaluation:
    """Returns the evaluation of what a model has said.

    Args:
        predictor: The model.
        material: The photographs, labelled as the model counts.
        outputs: What the model says of them, one row each.
        threshold: As for `evaluate`.
        source: What the photographs are, in words.
    """
    kind, labels = predictor.task.kind, material.labels
    names = predictor.class_names or material.class_names
    names = list(names or map(str, range(outputs.shape[-1])))
    predicted = decide(predictor, outputs, threshold)
    if kind == "regression":
        targets = predictor.task.targets
        units = targets.units if targets else [None] * len(names)
        figures = of.number_figures(labels, predicted, names, units)
    elif kind == "multi_label":
        figures = of.label_figures(labels, predicted, outputs, names)
    else:
        figures = of.class_figures(labels, predicted, outputs, names)
        if kind == "ordinal":
            steps = np.abs(labels - predicted)
            figures["mean_grades_off"] = float(steps.mean())
    return Evaluation(
        kind=kind,
        class_names=tuple(names),
        labels=labels,
        outputs=outputs,
        predicted=predicted,
        files=tuple(material.names),
        threshold=threshold,
        figures=figures,
        model_name=predictor.name,
        source=source,
        predictor=predictor,
        material=material,
    )


def _source(material, split):
    if material.root is not None:
        name = material.root.resolve().name
        return f"{name}/{split}" if split else name
    return f"{split} data".strip()


def decide(
    predictor: Predictor, outputs: np.ndarray, threshold: float | None
) -> np.ndarray:
    """Returns what a model predicts, given its probabilities.

    Args:
        predictor: The model.
        outputs: Probabilities or numbers, one row for each photograph.
        threshold: As for `evaluate`.

    Raises:
        ValueError: For a threshold that decides nothing, or none that is a
            probability.
    """
    kind, width = predictor.task.kind, outputs.shape[-1]
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(
            "`threshold` is a probability above 0 and below 1. "
            f"Received: {threshold!r}."
        )
    if kind == "multi_label":
        level = threshold or np.array(predictor.task.thresholds or 0.5)
        return (outputs >= level).astype("int64")
    if kind == "regression":
        decided = outputs
    elif kind == "classification" and width == 2 and threshold is not None:
        return (outputs[:, 1] >= threshold).astype("int64")
    else:
        decided = outputs.argmax(-1)
    if threshold is not None:
        raise ValueError(
            "A threshold decides between two classes, or for each of several "
            f"labels. The model {predictor.name!r} has {width} outputs of the "
            f"kind {kind!r}: leave the threshold out."
        )
    return decided


def _labels(predictor, material):
    """The labels as the model counts, in the form of its task."""
    labels, kind = material.labels, predictor.task.kind
    if kind == "regression":
        return np.asarray(labels, "float64").reshape(len(labels), -1)
    if kind == "multi_label":
        _check_several(predictor, material)
        return labels.astype("int64")
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(-1)
    labels = labels.reshape(len(labels)).astype("int64")
    known, found = predictor.class_names, material.class_names
    if known is None or found is None or list(known) == list(found):
        return labels
    _check_names(predictor.name, known, found)
    return np.array([known.index(name) for name in found])[labels]


def _check_names(model: str, known: Sequence[str], found: Sequence[str]):
    foreign = [name for name in found if name not in known]
    if foreign:
        raise ValueError(
            f"The photographs have classes that the model {model!r} does not "
            f"know: {', '.join(map(repr, foreign[:5]))}. Its classes are "
            f"{list(known)[:20]}: rename or remove the folders."
            + did_you_mean(foreign[0], known)
        )


def _check_several(predictor, material):
    labels = material.labels
    if labels.ndim != 2 or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"The model {predictor.name!r} tells several labels at once, so "
            "each photograph needs a row of 0 and 1, one for each label; "
            "class folders tell only one. Pass a data set of a table, or a "
            f"pair (images, labels). Received labels of shape {labels.shape}."
        )


def _check_outputs(predictor, outputs, labels):
    if not np.isfinite(outputs).all():
        row = int(np.nonzero(~np.isfinite(outputs).all(-1))[0][0])
        raise ValueError(
            f"The model {predictor.name!r} returns NaN or infinity, for "
            f"photograph {row} first. Train it again with a lower learning "
            "rate."
        )
    width = outputs.shape[-1]
    if labels.ndim == 2 and labels.shape[1] != width:
        raise ValueError(
            f"The model {predictor.name!r} has {width} outputs, the labels "
            f"have {labels.shape[1]}. Expected one label for each output."
        )
    if labels.ndim == 1 and not (0 <= labels.min() and labels.max() < width):
        raise ValueError(
            f"The model {predictor.name!r} has {width} classes, so labels are "
            f"0 to {width - 1}. Received: {labels.min()} to {labels.max()}."
        )
