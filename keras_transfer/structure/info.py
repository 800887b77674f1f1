"""What is known of a model, for people."""

import dataclasses
from typing import Any

import keras

from keras_transfer.structure import model_info
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.task import Task
from keras_transfer.structure.text_table import Table


@dataclasses.dataclass(frozen=True)
class Info(Table):
    """What is known of a model.

    Args:
        class_names: Names of the classes in the order of the outputs, or
            `None`.
        input_shape: `(height, width, channels)`; `None` where a size is open.
        input_range: Smallest and largest pixel value that the model expects,
            or `None` where nobody recorded it.
        backbone: Name, weights, options, stages and origin of the backbone.
        head: Class name of the head and its arguments.
        trainable_parameters: Number of parameters that are open now.
        parameters: Number of all parameters.
        versions: Versions of keras_transfer and Keras that built the model.
        schedule: The freeze schedule it was trained with last, as data, or
            `None`; `kt.schedules.of(model)` returns it as a callback.
        history: Metrics per epoch, where training recorded them.
        task: What the output stands for: kind, thresholds, targets; empty
            where there are several outputs.
        outputs: Of several outputs, class names, task and head of each by its
            name; empty where there is one.
    """

    class_names: list[str] | None
    input_shape: tuple[int | None, ...]
    input_range: tuple[float, float] | None
    backbone: dict[str, Any]
    head: dict[str, Any]
    trainable_parameters: int
    parameters: int
    versions: dict[str, str]
    schedule: dict[str, Any] | None
    history: dict[str, list[float]]
    task: dict[str, Any]
    outputs: dict[str, dict[str, Any]]

    _has_heading = False

    def table_rows(self):
        # As strings: a table shows a missing value as nothing.
        rows = dataclasses.asdict(self)
        unused = "outputs" if not self.outputs else "task"
        return [
            (key, str(value)) for key, value in rows.items() if key != unused
        ]


def info(model: keras.Model) -> Info:
    """Returns what is known of a model: classes, input, backbone, history.

    Args:
        model: Any Keras model; without a `ModelInfo` layer only its shape and
            parameters are known.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> kt.info(model).parameters
    10
    """
    metadata = model_info.find(model) or {}
    pixels = metadata.get("input", {}).get("range")
    records = output_records(model)
    outputs = {}
    if len(records) > 1:
        outputs = {record.name: _described(record) for record in records}
    return Info(
        class_names=None if outputs else records[0].class_names,
        input_shape=tuple(model.input_shape[1:]),
        input_range=tuple(pixels) if pixels else None,
        backbone=metadata.get("backbone") or {},
        head={} if outputs else records[0].head,
        trainable_parameters=model_info.count(model.trainable_weights),
        parameters=model_info.count(model.weights),
        versions=metadata.get("versions") or {},
        schedule=metadata.get("schedule"),
        history=metadata.get("history") or {},
        task={} if outputs else (records[0].task or Task()).to_json(),
        outputs=outputs,
    )


def _described(record):
    return {
        "class_names": record.class_names,
        "task": (record.task or Task()).to_json(),
        "head": record.head,
    }
