"""What the numbers of a model say, by their task."""

import numpy as np
import pytest

from keras_transfer.serving.reading import Reading
from keras_transfer.serving.reading import check_wanted
from keras_transfer.serving.reading import combined
from keras_transfer.serving.reading import told
from keras_transfer.serving.said import Number
from keras_transfer.serving.said import Wanted
from keras_transfer.serving.said import as_json
from keras_transfer.structure.task import Task

NAMES = ("ant", "bee", "cat")
AGES = {
    "names": ["age", "mass"],
    "units": ["years", None],
    "mean": [40.0, 2.0],
    "std": [20.0, 0.5],
}


def reading(
    kind, units=3, activation="sigmoid", names=NAMES, name=None, **more
):
    return Reading(name, units, activation, names, Task(kind, **more))


def said(reading, row, **wanted):
    values = reading.values(np.array([row]))
    (only,) = reading.says(values, Wanted(**wanted))
    return only


def test_labels_from_their_threshold_on_are_told():
    labels = reading("multi_label", thresholds=(0.5, 0.2, 0.9))
    row = [0.5, 0.3, 0.8]
    assert said(labels, row).to_json() == {
        "labels": [
            {"label": "ant", "probability": 0.5},
            {"label": "bee", "probability": 0.3},
        ]
    }
    lenient = said(labels, row, threshold=0.8, all=True).to_json()
    assert [p["label"] for p in lenient["labels"]] == ["cat"]
    assert [p["probability"] for p in lenient["probabilities"]] == row
    assert said(labels, [0, 0, 0]).to_json() == {"labels": []}


def test_logits_of_labels_become_probabilities_each_by_itself():
    labels = reading("multi_label", activation="linear")
    values = labels.values(np.array([[0.0, 1000.0, -1000.0]]))
    assert values.tolist() == [[0.5, 1.0, 0.0]]


def test_a_single_label_is_no_pair_of_classes():
    label = reading("multi_label", units=1, names=("ant",))
    assert (label.width, label.names) == (1, ["ant"])
    pair = reading("classification", units=1, names=("ant", "bee"))
    assert pair.width == 2
    assert said(pair, [0.25]).to_json()["classes"][0]["class"] == "ant"


def test_numbers_are_in_their_units():
    ages = reading("regression", 2, "linear", names=None, targets=AGES)
    numbers = said(ages, [0.5, -2.0]).entries
    assert numbers == [Number("age", 50.0, "years"), Number("mass", 1.0, None)]
    plain = reading("regression", 1, "linear", names=None)
    assert said(plain, [7.0]).to_json() == {
        "numbers": [{"name": "0", "value": 7.0, "unit": None}]
    }


def test_a_grade_is_told_with_the_next_ones():
    grades = reading("ordinal", activation="ordinal")
    row = [0.2, 0.5, 0.3]
    told = said(grades, row, top=2).to_json()
    assert told["grade"] == "bee"
    assert [g["grade"] for g in told["grades"]] == ["bee", "cat"]
    assert len(said(grades, row, all=True).entries) == 3


def test_outputs_are_told_by_their_names():
    readings = [
        reading("classification", 1, names=("ant", "bee"), name="kind"),
        reading("regression", 2, "linear", None, "size", targets=AGES),
    ]
    outputs = np.array([[0.75], [0.25]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    rows = combined(readings, outputs)
    assert rows.shape == (2, 4)
    first, second = told(readings, rows, Wanted())
    assert as_json(first)["outputs"]["kind"]["classes"][0]["class"] == "bee"
    size = as_json(second)["outputs"]["size"]["numbers"]
    assert [n["value"] for n in size] == [60.0, 2.5]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "x", True])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(ValueError, match="--threshold is a probability"):
        check_wanted([reading("multi_label")], threshold, "--threshold")


def test_a_threshold_without_labels_is_refused():
    with pytest.raises(ValueError, match="has the task regression: leave it"):
        check_wanted([reading("regression")], 0.5, "--threshold")
    check_wanted([reading("regression"), reading("multi_label")], 0.5, "it")
