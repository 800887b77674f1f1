"""What is recorded of each output of a model."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import archive
from keras_transfer.structure.output_records import output_names
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.output_records import outputs_from_json
from keras_transfer.structure.task import Task
from keras_transfer.structure.task import set_task
from tests.conftest import build_tiny

RECORD = {
    "name": "a",
    "layer": "head_a",
    "class_names": ["ant", "bee"],
    "task": {"kind": "classification"},
    "head": {},
}


def build():
    heads = {"a": kt.heads.LinearHead(2), "b": kt.heads.LinearHead(3)}
    return kt.build_model(
        build_tiny(), heads, class_names={"a": ["ant", "bee"]}
    )


def without(key):
    return {k: value for k, value in RECORD.items() if k != key}


BAD = {
    "no list": {},
    "one": [RECORD],
    "many": [RECORD] * 65,
    "text": ["a", "b"],
    "missing": [RECORD, without("task")],
    "unknown": [RECORD, {**RECORD, "color": "red"}],
    "name": [RECORD, {**RECORD, "name": 7}],
    "class_names": [RECORD, {**RECORD, "class_names": [7]}],
    "task": [RECORD, {**RECORD, "task": []}],
    "kind": [RECORD, {**RECORD, "task": {"kind": "guess"}}],
    "head": [RECORD, {**RECORD, "head": None}],
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_outputs_are_refused_alone_and_in_a_file(case, tmp_path):
    with pytest.raises((TypeError, ValueError)):
        outputs_from_json(BAD[case])
    model = build()
    model.layers[1].metadata["outputs"] = BAD[case]
    model.save(tmp_path / "m.keras")
    with pytest.raises(archive.ModelFileError, match="no proper 'outputs'"):
        kt.load_model(tmp_path / "m.keras")


def test_outputs_have_the_names_of_keys_or_layers():
    image = keras.Input((4,))
    rows = [keras.layers.Dense(2, name=name)(image) for name in "zy"]
    assert output_names(keras.Model(image, rows)) == ["z", "y"]
    named = {"q": rows[0], "p": rows[1]}
    assert output_names(keras.Model(image, named)) == ["p", "q"]
    assert output_names(keras.Model(image, rows[0])) == [None]
    assert output_names(keras.Sequential([keras.layers.Dense(2)])) == [None]
    assert output_names(keras.Model()) == [None]


def test_a_task_is_recorded_for_an_output(tmp_path):
    model = build()
    task = Task("multi_label", thresholds=[0.1, 0.2, 0.3])
    set_task(model, task, "b")
    with pytest.raises(ValueError, match="Pass output= one of them"):
        set_task(model, task)
    model.save(tmp_path / "m.keras")
    known = output_records(kt.load_model(tmp_path / "m.keras"))
    assert [record.task.kind for record in known] == [
        "classification",
        "multi_label",
    ]
    assert known[1].task == task


def test_labels_that_lack_an_output_are_refused():
    model = kt.compile_for_transfer(build())
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    with pytest.raises(ValueError, match=r"no labels for .*\['b'\]"):
        model.fit(pixels, {"a": np.zeros(4)}, verbose=0)
    labels = {name: np.zeros(4) for name in "abc"}
    with pytest.raises(ValueError, match=r"no output 'c'"):
        kt.fit(model, pixels, labels, verbose=0)
