"""What a model says of one image, as whoever asked wants to be told it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_transfer.serving.ranking import Prediction


@dataclasses.dataclass(frozen=True)
class Number:
    """One number that a regression model predicts.

    Args:
        name: What it measures, or its place where that is unknown.
        value: The number, in its unit.
        unit: Such as `"years"`; `None` where it is unknown.
    """

    name: str
    value: float
    unit: str | None = None


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What somebody wants to be told of each image.

    Args:
        top: Number of classes or grades, best first. Defaults to 1.
        threshold: Probability from which on a label is told, instead of those
            of the task. Defaults to `None`.
        all: Whether all classes and grades, and the probabilities of all
            labels, are told. Defaults to `False`.
    """

    top: int = 1
    threshold: float | None = None
    all: bool = False


@dataclasses.dataclass(frozen=True)
class Said:
    """What one output says of one image.

    Args:
        output: Name of the output; `None` for the only one.
        kind: Kind of its task.
        entries: Classes or grades, best first; the labels that reach their
            threshold, in the order of the outputs; or numbers.
        every: The probabilities of all classes, labels or grades in the order
            of the outputs, where they are wanted.
    """

    output: str | None
    kind: str
    entries: list[Prediction] | list[Number]
    every: list[Prediction] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain JSON values."""
        if self.kind == "regression":
            return {"numbers": [dataclasses.asdict(n) for n in self.entries]}
        if self.kind == "multi_label":
            told = {"labels": _named("label", self.entries)}
            if self.every is not None:
                told["probabilities"] = _named("label", self.every)
            return told
        if self.kind == "ordinal":
            grades = _named("grade", self.entries)
            return {"grade": grades[0]["grade"], "grades": grades}
        return {"classes": _named("class", self.entries)}


def as_json(said: Sequence[Said]) -> dict[str, Any]:
    """Returns what is said of one image as JSON values.

    Args:
        said: What each output says of it.
    """
    if len(said) == 1 and said[0].output is None:
        return said[0].to_json()
    return {"outputs": {one.output: one.to_json() for one in said}}


def _named(key, predictions):
    return [{key: p.label, "probability": p.probability} for p in predictions]
