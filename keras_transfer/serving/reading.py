"""What the numbers that a model returns for an image say, by their task."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.serving.ranking import Prediction
from keras_transfer.serving.ranking import probabilities_of
from keras_transfer.serving.ranking import rank
from keras_transfer.serving.said import Number
from keras_transfer.serving.said import Said
from keras_transfer.serving.said import Wanted
from keras_transfer.structure.task import Task


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the numbers of one output of a model are to be read.

    Args:
        name: Name of the output; `None` for the only one.
        units: Length of its last axis.
        activation: What ends it; `None` or `"linear"` for logits.
        class_names: Names of its classes, labels or grades, or `None`.
        task: What it stands for.

    Example:
    >>> reading = Reading(None, 2, "sigmoid", ("ant", "bee"),
    ...                   Task("multi_label", thresholds=(0.5, 0.2)))
    >>> values = reading.values(np.array([[0.3, 0.3]]))
    >>> [p.label for p in reading.says(values, Wanted())[0].entries]
    ['bee']
    """

    name: str | None
    units: int
    activation: str | None
    class_names: tuple[str, ...] | None
    task: Task = Task()

    @property
    def width(self) -> int:
        """Number of values for each image: one unit tells two classes apart."""
        is_pair = self.units == 1 and self.task.kind == "classification"
        return 2 if is_pair else self.units

    @property
    def names(self) -> list[str]:
        """Names of the values; their numbers where they have no names."""
        known = self.class_names
        if self.task.targets is not None:
            known = self.task.targets.names
        return list(known or map(str, range(self.width)))

    def values(self, outputs: np.ndarray) -> np.ndarray:
        """Returns probabilities, or numbers in their units, as float64.

        Args:
            outputs: What the model returned, of shape `(batch, units)`.
        """
        outputs = np.asarray(outputs, "float64")
        kind = self.task.kind
        if kind == "regression":
            targets = self.task.targets
            return outputs if targets is None else targets.restored(outputs)
        if kind == "multi_label":
            if self.activation not in (None, "linear"):
                return outputs
            # The tails of exp overflow harmlessly to the right limit.
            with np.errstate(over="ignore"):
                return 1 / (1 + np.exp(-outputs))
        if kind == "ordinal" and self.activation == "ordinal":
            return outputs
        return probabilities_of(outputs, self.activation)

    def chosen(
        self, values: np.ndarray, threshold: float | None = None
    ) -> np.ndarray:
        """Returns which labels reach their threshold.

        Args:
            values: Probabilities of labels, of shape `(batch, units)`.
            threshold: Instead of those of the task. Defaults to `None`.
        """
        if threshold is None:
            threshold = self.task.thresholds or 0.5
        return values >= threshold

    def says(self, values: np.ndarray, wanted: Wanted) -> list[Said]:
        """Returns what it says of each image.

        Args:
            values: The result of `values`.
            wanted: What is to be told.
        """
        kind, names = self.task.kind, self.names
        if kind == "regression":
            units = [None] * self.units
            if self.task.targets is not None:
                units = self.task.targets.units
            told = [
                list(map(Number, names, row, units)) for row in values.tolist()
            ]
            return [Said(self.name, kind, numbers) for numbers in told]
        if kind == "multi_label":
            chosen = self.chosen(values, wanted.threshold)
            pairs = zip(values.tolist(), chosen, strict=True)
            return [
                self._labels(names, row, is_in, wanted) for row, is_in in pairs
            ]
        every = [None] * len(values)
        if wanted.all:
            rows = values.tolist()
            every = [list(map(Prediction, names, row)) for row in rows]
        top = self.width if wanted.all else wanted.top
        return [
            Said(self.name, kind, *both)
            for both in zip(rank(values, names, top), every, strict=True)
        ]

    def _labels(self, names, row, is_in, wanted):
        every = list(map(Prediction, names, row))
        labels = [p for p, told in zip(every, is_in, strict=True) if told]
        every = every if wanted.all else None
        return Said(self.name, self.task.kind, labels, every)

    def describe(self) -> dict[str, Any]:
        """Returns what clients need to know, as JSON values."""
        described: dict[str, Any] = {
            "class_names": self.class_names and list(self.class_names),
            "num_classes": self.width,
        }
        if self.task.kind == "regression":
            described["num_classes"] = None
        # As it was before there were other tasks.
        if self.task != Task():
            described["task"] = self.task.to_json()
        return described


def combined(
    readings: Sequence[Reading], outputs: Iterable[np.ndarray]
) -> np.ndarray:
    """Returns the values of all outputs side by side, a row for each image.

    Args:
        readings: How each output is to be read.
        outputs: What the model returned, an array for each.
    """
    pairs = zip(readings, outputs, strict=True)
    parts = [reading.values(output) for reading, output in pairs]
    return np.concatenate(parts, axis=-1)


def told(
    readings: Sequence[Reading], rows: np.ndarray, wanted: Wanted
) -> list[tuple[Said, ...]]:
    """Returns what each output says of each image.

    Args:
        readings: How each output is to be read.
        rows: The result of `combined`.
        wanted: What is to be told.
    """
    ends = np.cumsum([reading.width for reading in readings])[:-1]
    parts = np.split(rows, ends, axis=-1)
    said = [
        reading.says(part, wanted)
        for reading, part in zip(readings, parts, strict=True)
    ]
    return list(zip(*said, strict=True))


def check_wanted(
    readings: Sequence[Reading], threshold: float | None, name: str
) -> None:
    """Raises for a threshold that no output of a model has a use for.

    Args:
        readings: How each output of the model is to be read.
        threshold: From 0 to 1, or `None`.
        name: What it is called there.

    Raises:
        ValueError: If it is out of range, or no output has labels.
    """
    if threshold is None:
        return
    is_number = isinstance(threshold, int | float)
    if isinstance(threshold, bool) or not is_number or not 0 <= threshold <= 1:
        raise ValueError(
            f"{name} is a probability from 0 to 1. Received: {threshold!r:.80}."
        )
    kinds = [reading.task.kind for reading in readings]
    if "multi_label" not in kinds:
        raise ValueError(
            f"{name} is for models that give several labels "
            f"(task='multi_label'). This one has the task {', '.join(kinds)}: "
            f"leave it out."
        )
