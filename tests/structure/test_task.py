"""The task of a model: its values, its record, and where it travels."""

import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import archive
from keras_transfer.structure import model_info
from keras_transfer.structure.task import Targets
from keras_transfer.structure.task import Task
from keras_transfer.structure.task import set_task
from keras_transfer.structure.task import task_of

AGE = Targets(("age", "mass"), ("years", None), (40, 2), (20, 0.5))


def build(units=2):
    image = keras.Input((8, 8, 3))
    x = model_info.ModelInfo({"schema": 1})(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(units)(x))


@pytest.mark.parametrize(
    "task",
    [
        Task(),
        Task("multi_label"),
        Task("multi_label", thresholds=(0.25, 1)),
        Task("regression"),
        Task("regression", targets=AGE),
        Task("ordinal"),
    ],
)
def test_a_task_is_the_same_after_json_and_after_a_model_file(task, tmp_path):
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task
    model = build()
    set_task(model, task)
    model.save(tmp_path / "m.keras")
    assert task_of(kt.load_model(tmp_path / "m.keras")) == task
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert task_of(loaded) == task


def test_a_model_without_a_record_classifies():
    model = build()
    assert task_of(model) == Task("classification")
    bare = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert task_of(bare).kind == "classification"
    with pytest.raises(ValueError, match="has no ModelInfo layer to record"):
        set_task(bare, Task())


def test_targets_are_scaled_and_restored_in_their_units():
    labels = np.array([[60.0, 1.0], [20.0, 2.5]])
    scaled = AGE.scaled(labels)
    np.testing.assert_allclose(scaled, [[1, -2], [-1, 1]])
    np.testing.assert_allclose(AGE.restored(scaled), labels)
    # Means of 10^8 seconds survive: float32 would lose the difference.
    far = Targets(("t",), ("s",), (1e8,), (1,))
    assert far.restored(np.float32([[0.5]])).tolist() == [[1e8 + 0.5]]


def targets(**changes):
    values = {"names": ["a"], "units": [None], "mean": [0.0], "std": [1.0]}
    return {**values, **changes}


BAD = {
    "kind": ({"kind": "poetry"}, "kind of a task must be one of"),
    "kind_of_a_list": ({"kind": ["regression"]}, "must be one of"),
    "key": ({"depth": 1}, r"A task holds \['kind'.*'depth'"),
    "thresholds_elsewhere": (
        {"kind": "regression", "thresholds": [0.5]},
        "Only kind='multi_label' has `thresholds`",
    ),
    "threshold": (
        {"kind": "multi_label", "thresholds": [1.5]},
        "probabilities from 0 to 1. Received: 1.5",
    ),
    "threshold_of_text": (
        {"kind": "multi_label", "thresholds": ["high"]},
        "`thresholds` must hold finite numbers",
    ),
    "one_threshold": (
        {"kind": "multi_label", "thresholds": 0.5},
        "must be a list with one value for each output",
    ),
    "too_many": (
        {"kind": "multi_label", "thresholds": [0.5] * 65537},
        "one value for each output, 65536 at most",
    ),
    "targets_elsewhere": (
        {"kind": "ordinal", "targets": targets()},
        "Only kind='regression' has `targets`",
    ),
    "targets_of_text": (
        {"kind": "regression", "targets": "age"},
        "`targets` must be a Targets or a dictionary",
    ),
    "target_key": (
        {"kind": "regression", "targets": targets(color=["red"])},
        "targets of a task hold.*'color'",
    ),
    "lengths": (
        {"kind": "regression", "targets": targets(mean=[0.0, 1.0])},
        "need a name, a unit, a mean and a standard deviation.*'mean': 2",
    ),
    "std": (
        {"kind": "regression", "targets": targets(std=[0.0])},
        "must be above 0.*Received: 0.0",
    ),
    "nan": (
        {"kind": "regression", "targets": targets(mean=[float("nan")])},
        "`mean` must hold finite numbers",
    ),
    "large": (
        {"kind": "regression", "targets": targets(mean=[10**400])},
        "`mean` must hold finite numbers",
    ),
    "name": (
        {"kind": "regression", "targets": targets(names=["a" * 513])},
        "names of targets must be strings of at most 512 characters",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_task_is_refused_alone_and_in_a_file(case, tmp_path):
    record, message = BAD[case]
    with pytest.raises((TypeError, ValueError), match=message):
        Task.from_json(record)
    model = build()
    model.layers[1].metadata["task"] = record
    model.save(tmp_path / "m.keras")
    refused = (
        "holds the number NaN|is no JSON|no proper 'task'"
        if case == "nan"
        else "lets ModelInfo hold no proper 'task'"
    )
    with pytest.raises(archive.ModelFileError, match=refused):
        kt.load_model(tmp_path / "m.keras")
