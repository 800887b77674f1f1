"""Photographs that tell most of a model: sure mistakes, doubtful answers."""

import warnings
from typing import Any

import numpy as np

from keras_transfer.evaluation import page

_SHOWN = 12
_SIDE = 224


def worst_mistakes(evaluation: Any) -> str:
    """Returns the mistakes that the model is surest of, as HTML.

    Beside each photograph stands where the model saw the class that it
    predicts, if it is a Keras model.

    Args:
        evaluation: An `Evaluation`.
    """
    rows = _mistakes(evaluation)
    title = "Most confident mistakes"
    if evaluation.kind == "regression":
        title = "Farthest from the truth"
    if evaluation.material is None or not len(rows):
        told = "There is no mistake among these photographs."
        return page.section(title, page.paragraph(told))
    maps, note = _maps(evaluation, rows)
    return page.section(
        title,
        page.paragraph(note),
        page.photos(_shown(evaluation, rows, maps)),
    )


def least_certain(evaluation: Any) -> str:
    """Returns the answers between which the model wavered, as HTML.

    Args:
        evaluation: An `Evaluation`.
    """
    if evaluation.kind == "regression" or evaluation.material is None:
        return ""
    rows = np.argsort(_margins(evaluation), kind="stable")[:_SHOWN]
    return page.section(
        "Least certain",
        page.paragraph(
            "The two most probable answers are nearest to each other here; "
            "labels that are worth a second look are often among them."
        ),
        page.photos(_shown(evaluation, rows, None)),
    )


def _mistakes(evaluation):
    """Rows that are wrong, the surest ones first."""
    outputs, labels = evaluation.outputs, evaluation.labels
    if evaluation.kind == "regression":
        spread = labels.std(0) + 1e-12
        sureness = (np.abs(outputs - labels) / spread).max(-1)
        return np.argsort(-sureness, kind="stable")[:_SHOWN]
    wrong = evaluation.predicted != labels
    if evaluation.kind == "multi_label":
        sureness = np.where(wrong, np.abs(outputs - labels), 0).max(-1)
        wrong = wrong.any(-1)
    else:
        rows = np.arange(len(labels))
        sureness = outputs[rows, evaluation.predicted]
    order = np.argsort(-sureness, kind="stable")
    return order[wrong[order]][:_SHOWN]


def _margins(evaluation):
    outputs = evaluation.outputs
    if evaluation.kind == "multi_label":
        return np.abs(outputs - 0.5).min(-1)
    ranked = np.sort(outputs, -1)
    return ranked[:, -1] - ranked[:, -2]


def _maps(evaluation, rows):
    """Explanation maps of the predicted classes, and a word on them."""
    model = evaluation.predictor.model
    if model is None:
        return None, (
            "Explanation maps need the .keras file: exported models tell no "
            "gradients."
        )
    if evaluation.kind != "classification":
        return None, "The surest ones come first."
    import keras_transfer as kt

    targets = [int(evaluation.predicted[row]) for row in rows]
    if evaluation.outputs.shape[-1] != model.output_shape[-1]:
        # A single unit explains itself, as the second of two classes.
        targets = None
    try:
        with warnings.catch_warnings():
            # A mistake for which nothing speaks is worth seeing too.
            warnings.simplefilter("ignore")
            maps = kt.layer_cam(model, _pixels(evaluation, rows), targets)
    except ValueError as error:
        # Not every network has maps; the photographs are shown nevertheless.
        return None, f"There are no explanation maps: {error}"
    return maps, (
        "The surest ones come first. Beside each photograph: where the model "
        "sees the class that it predicts (Layer-CAM)."
    )


def _shown(evaluation, rows, maps):
    pixels = _pixels(evaluation, rows)
    for place, row in enumerate(rows):
        pictures = [(_visible(pixels[place]), evaluation.files[row])]
        if maps is not None:
            from keras_transfer.explaining.overlaying import overlay

            over = overlay(pixels[place], maps[place])
            pictures.append((over, "where the model sees its answer"))
        told = _told(evaluation, row)
        yield page.photo(pictures, evaluation.files[row], *told)


def _pixels(evaluation, rows):
    predictor = evaluation.predictor
    return evaluation.material.images(
        rows, predictor.image_size, predictor.color_mode
    )


def _visible(pixels):
    from keras_transfer.explaining.pictures.drawing import displayable

    return np.round(displayable(pixels) * 255).astype("uint8")


def _told(evaluation, row):
    names, outputs = evaluation.class_names, evaluation.outputs[row]
    label, predicted = evaluation.labels[row], evaluation.predicted[row]
    if evaluation.kind == "regression":
        return [
            f"{name}: {outputs[i]:.4g}, true {label[i]:.4g}"
            for i, name in enumerate(names)
        ]
    if evaluation.kind == "multi_label":
        return [
            f"{name}: {outputs[i]:.0%}, true {'yes' if label[i] else 'no'}"
            for i, name in enumerate(names)
            if label[i] != predicted[i] or label[i]
        ]
    return [
        f"predicted {names[predicted]}, {outputs[predicted]:.0%}",
        f"true {names[label]}, {outputs[label]:.0%}",
    ]
