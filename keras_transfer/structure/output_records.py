"""What is recorded of each output of a model: its name, classes, task."""

import dataclasses
from typing import Any

from keras_transfer.structure.task import Task

# More than any model has; files come from strangers.
MOST_OUTPUTS = 64


@dataclasses.dataclass(frozen=True)
class OutputRecord:
    """One output of a model, as `ModelInfo` knows it.

    Args:
        name: Name by which Keras takes its labels; `None` for the only one.
        class_names: Names of its classes, labels or grades, or `None`.
        task: What it stands for; `None` where nobody recorded it.
        head: Class name of its head and its arguments.
    """

    name: str | None
    class_names: list[str] | None = None
    task: Task | None = None
    head: dict[str, Any] = dataclasses.field(default_factory=dict)


def output_records(model: Any) -> list[OutputRecord]:
    """Returns what is recorded of each output of a model, in order.

    Args:
        model: Any Keras model; one without a graph counts as one output.

    Example:
    >>> import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> output_records(model)[0].class_names
    """
    metadata = _metadata(model)
    names, layers = output_names(model), _layers(model)
    if "outputs" not in metadata and len(names) == 1:
        known = [_record(names[0], metadata)]
    else:
        by_layer = {r["layer"]: r for r in metadata.get("outputs", ())}
        by_name = {r["name"]: r for r in metadata.get("outputs", ())}
        known = [
            _record(name, by_layer.get(layer) or by_name.get(name) or {})
            for name, layer in zip(names, layers, strict=True)
        ]
    return known


def recorded_tasks(model: Any) -> dict[str | None, Task]:
    """Returns the recorded task of each output that has one, by its name.

    Args:
        model: Any Keras model.
    """
    records = output_records(model)
    return {r.name: r.task for r in records if r.task is not None}


def output_names(model: Any) -> list[str | None]:
    """Returns the name of each output, in order; `None` for the only one.

    Keys where the model returns a dictionary, else the names of the layers.

    Args:
        model: Any Keras model; one without a graph counts as one output.
    """
    outputs = getattr(model, "outputs", None) or [None]
    # A Sequential model refuses to tell its output, but has only one.
    structure = getattr(model, "output", None) if outputs[0] is not None else 0
    if isinstance(structure, dict):
        return sorted(structure)
    return list(model.output_names) if len(outputs) > 1 else [None]


def outputs_from_json(records: Any) -> list[OutputRecord]:
    """Returns the outputs that the metadata in a file describes.

    Args:
        records: The value of `"outputs"`, from a file of anybody.

    Raises:
        TypeError: For a value of the wrong type.
        ValueError: For a value that is missing or unknown, or too many.
    """
    if not isinstance(records, list) or not 1 < len(records) <= MOST_OUTPUTS:
        raise TypeError(
            f"The outputs of a model are a list of 2 to {MOST_OUTPUTS}. "
            f"Received: {records!r:.80}."
        )
    for record in records:
        keys = {"name", "layer", "class_names", "task", "head"}
        if not isinstance(record, dict) or set(record) != keys:
            raise ValueError(
                f"An output has {sorted(keys)}. Received: {record!r:.80}."
            )
        texts = [
            record["name"],
            record["layer"],
            *(record["class_names"] or ()),
        ]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(
                f"The names of an output must be strings. Received: "
                f"{texts!r:.80}."
            )
        for key in ("task", "head"):
            if not isinstance(record[key], dict):
                raise TypeError(
                    f"The {key} of an output must be an object. Received: "
                    f"{record[key]!r:.80}."
                )
    return [_record(record["name"], record) for record in records]


def _record(name, found):
    task = found.get("task")
    return OutputRecord(
        name=name,
        class_names=found.get("class_names"),
        task=Task.from_json(task) if task else None,
        head=found.get("head") or {},
    )


def _layers(model):
    names = getattr(model, "output_names", None)
    return list(names) if names else [None]


def _metadata(model):
    # Exported models are served where there is no Keras.
    from keras_transfer.structure import model_info

    return model_info.find(model) or {}
