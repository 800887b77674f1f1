"""What the outputs of a model stand for: classes, several labels, numbers."""

import dataclasses
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

KINDS = ("classification", "multi_label", "regression", "ordinal")
# Far more outputs than any model has; files come from strangers.
_MOST = 1 << 16
_LONGEST_NAME = 512
_LARGEST = 1e30  # Integers in JSON have any number of digits.


@dataclasses.dataclass(frozen=True)
class Targets:
    """The numbers that a regression model predicts, one for each unit.

    Models are trained on `(number - mean) / std`.

    Args:
        names: Name of each number, such as `"age"`.
        units: Unit of each number, such as `"years"`, or `None`.
        mean: Mean of each number in the training data.
        std: Standard deviation of each, above 0.

    Raises:
        TypeError: For a value of the wrong type.
        ValueError: For lists of different lengths, numbers that are not
            finite, or a standard deviation that is not above 0.

    Example:
    >>> import keras_transfer as kt
    >>> targets = kt.Targets(["age"], ["years"], mean=[40.0], std=[20.0])
    >>> targets.restored([[0.5]]).tolist()
    [[50.0]]
    """

    names: tuple[str, ...]
    units: tuple[str | None, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        for name, value in vars(self).items():
            read = _floats if name in ("mean", "std") else _texts
            object.__setattr__(self, name, read(name, value))
        lengths = {name: len(value) for name, value in vars(self).items()}
        if len(set(lengths.values())) > 1 or not self.names:
            raise ValueError(
                "The targets of a task need a name, a unit, a mean and a "
                f"standard deviation for each output. Received: {lengths}."
            )
        low = [std for std in self.std if std <= 0]
        if low:
            raise ValueError(
                "The standard deviations of targets must be above 0: drop a "
                f"target that never changes, or pass 1. Received: {low[0]}."
            )

    def scaled(self, labels: Any) -> Any:
        """Returns numbers in their units as the model is trained on them."""
        return (np.asarray(labels, "float64") - self.mean) / self.std

    def restored(self, outputs: Any) -> Any:
        """Returns outputs of the model in their units, as float64."""
        return np.asarray(outputs, "float64") * self.std + self.mean


@dataclasses.dataclass(frozen=True)
class Task:
    """What the outputs of a model stand for.

    Args:
        kind: `"classification"` (one of several classes), `"multi_label"`
            (any number of labels at once), `"regression"` (numbers) or
            `"ordinal"` (one of several ordered grades). Defaults to
            `"classification"`.
        thresholds: For several labels, the probability of each from which on
            it is predicted. Defaults to `None`: 0.5 for all.
        targets: For regression, a `Targets` or a dictionary of its arguments.
            Defaults to `None`: the outputs are in their units.

    Raises:
        TypeError: For a value of the wrong type.
        ValueError: For an unknown kind, a threshold outside 0 to 1, or
            thresholds and targets of a task that has none.

    Example:
    >>> Task("multi_label", thresholds=(0.5, 0.25)).to_json()["thresholds"]
    [0.5, 0.25]
    """

    kind: str = "classification"
    thresholds: tuple[float, ...] | None = None
    targets: Targets | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(
                f"The kind of a task must be one of {list(KINDS)}. "
                f"Received: {self.kind!r:.80}."
            )
        if self.thresholds is not None:
            self._set_thresholds()
        if isinstance(self.targets, Mapping):
            object.__setattr__(self, "targets", _targets(self.targets))
        if self.targets is not None and self.kind != "regression":
            raise ValueError(
                "Only kind='regression' has `targets`. "
                f"Received: kind={self.kind!r}."
            )
        if not isinstance(self.targets, Targets | None):
            raise TypeError(
                "`targets` must be a Targets or a dictionary of names, units, "
                f"mean and std. Received: {self.targets!r:.80}."
            )

    def _set_thresholds(self):
        if self.kind != "multi_label":
            raise ValueError(
                "Only kind='multi_label' has `thresholds`. "
                f"Received: kind={self.kind!r}."
            )
        thresholds = _floats("thresholds", self.thresholds)
        outside = [t for t in thresholds if not 0 <= t <= 1]
        if outside:
            raise ValueError(
                "`thresholds` are probabilities from 0 to 1. "
                f"Received: {outside[0]}."
            )
        object.__setattr__(self, "thresholds", thresholds)

    def to_json(self) -> dict[str, Any]:
        """Returns the task as plain JSON values, as `ModelInfo` keeps it."""
        record = dataclasses.asdict(self)
        if self.targets:
            record["targets"] = {k: [*v] for k, v in record["targets"].items()}
        if self.thresholds is not None:
            record["thresholds"] = [*self.thresholds]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Task":
        """Returns the task that `to_json` described.

        Args:
            record: A dictionary, from a file of anybody.

        Raises:
            TypeError: For a value of the wrong type.
            ValueError: For a key that is unknown, and as for `Task`.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(record) - set(known))
        if unknown:
            raise ValueError(
                f"A task holds {known}. Received: {unknown[0]!r:.80}."
            )
        return cls(**record)


def task_of(model: Any) -> Task:
    """Returns the task that `ModelInfo` records; classification without one.

    Args:
        model: Any Keras model with one output.

    Example:
    >>> import keras
    >>> task_of(keras.Sequential([keras.Input((4,))])).kind
    'classification'
    """
    from keras_transfer.structure.output_records import output_records

    return output_records(model)[0].task or Task()


def set_task(model: Any, task: Task, output: str | None = None) -> None:
    """Records the task of a model, for everything that shows its outputs.

    Args:
        model: A model that `build_model` made.
        task: What its outputs stand for.
        output: Name of the output, where there are several.

    Raises:
        ValueError: If the model has no `ModelInfo`, or no such output.
    """
    # Exported models are served where there is no Keras.
    from keras_transfer.structure import model_info

    metadata = model_info.find(model)
    if metadata is None:
        raise ValueError(
            f"The model {model.name!r} has no ModelInfo layer to record its "
            "task in. Make it with kt.build_model(backbone, head)."
        )
    records = {r["name"]: r for r in metadata.get("outputs", ())}
    if records and output not in records:
        raise ValueError(
            f"The model {model.name!r} has the outputs {[*records]}. Pass "
            f"output= one of them. Received: {output!r}."
        )
    records.get(output, metadata)["task"] = task.to_json()


def _targets(record):
    names = [field.name for field in dataclasses.fields(Targets)]
    if set(record) != set(names):
        raise ValueError(
            f"The targets of a task hold {names}. Received: {[*record]!s:.80}."
        )
    return Targets(**record)


def _texts(name, values):
    _check_list(name, values)
    for text in values:
        is_text = isinstance(text, str) or (text is None and name == "units")
        if not is_text or len(text or "") > _LONGEST_NAME:
            raise TypeError(
                f"The {name} of targets must be strings of at most "
                f"{_LONGEST_NAME} characters. Received: {text!r:.80}."
            )
    return tuple(values)


def _floats(name, values):
    _check_list(name, values)
    for value in values:
        is_number = isinstance(value, numbers.Real)
        # NaN is not below anything.
        if not is_number or not abs(value) < _LARGEST:
            raise ValueError(
                f"`{name}` must hold finite numbers. Received: {value!r:.80}."
            )
    return tuple(map(float, values))


def _check_list(name, values):
    if not isinstance(values, (list, tuple)) or len(values) > _MOST:
        raise TypeError(
            f"`{name}` must be a list with one value for each output, "
            f"{_MOST} at most. Received: {values!r:.80}."
        )
