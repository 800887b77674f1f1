"""What heads compute for each task, and what they refuse."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.heads.cumulative_link import CumulativeLink
from keras_transfer.structure.task import task_of
from tests.conftest import build_tiny

HEADS = [kt.heads.LinearHead, kt.heads.MLPHead, kt.heads.AttentionPoolHead]
FEATURES = np.random.default_rng(0).normal(size=(6, 3, 4, 5)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("head_class", HEADS)
@pytest.mark.parametrize(
    ("task", "activation", "found"),
    [
        ("classification", "auto", "softmax"),
        ("multi_label", "auto", "sigmoid"),
        ("multi_label", None, "linear"),
        ("regression", "auto", "linear"),
        ("regression", "softplus", "softplus"),
        ("ordinal", "auto", "ordinal"),
    ],
)
def test_the_activation_follows_from_the_task(
    head_class, task, activation, found
):
    head = head_class(3, task=task, activation=activation)
    assert head.output_activation == found
    outputs = np.asarray(head(FEATURES))
    sums = outputs.sum(-1)
    competes = found in ("softmax", "ordinal")
    assert np.allclose(sums, 1, atol=1e-6) is competes
    twin = head_class.from_config(head.get_config())
    twin.build(FEATURES.shape)
    twin.set_weights(head.get_weights())
    np.testing.assert_array_equal(twin(FEATURES), outputs)


def test_a_head_of_an_older_file_classifies():
    config = kt.heads.MLPHead(3, (4,)).get_config()
    del config["task"], config["input_dropout"]
    head = kt.heads.MLPHead.from_config(config)
    assert head.task == "classification"
    assert [layer.name for layer in head.hidden_layers] == ["hidden_1"]


@pytest.mark.parametrize("grades", [2, 3, 7])
def test_grades_are_the_differences_of_cumulative_probabilities(grades):
    layer = CumulativeLink(grades)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    even = np.full((5, grades), 1 / grades)
    np.testing.assert_allclose(layer(x * 0), even, atol=1e-6)
    layer.gaps.assign(np.linspace(-2, 2, grades - 2))
    first, gaps = np.asarray(layer.first_cut), np.asarray(layer.gaps)
    cuts = np.cumsum(np.concatenate([first, np.log1p(np.exp(gaps))]))
    assert (np.diff(cuts) > 0).all()
    up_to = sigmoid(cuts - x @ np.asarray(layer.kernel))
    expected = np.diff(up_to, axis=-1, prepend=0, append=1)
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


def test_a_head_of_grades_learns_their_order():
    x = np.linspace(-1, 1, 60, dtype="float32")[:, None]
    y = np.repeat(np.arange(4), 15)
    model = keras.Sequential(
        [keras.Input((1,)), kt.heads.LinearHead(4, task="ordinal")]
    )
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=60, batch_size=60, verbose=0)
    predicted = model.predict(x, verbose=0).argmax(-1)
    assert (np.abs(np.diff(predicted)) <= 1).all()
    assert np.mean(predicted == y) > 0.9


def test_the_seed_recipe_drops_before_the_first_hidden_layer():
    head = kt.heads.MLPHead(2, (512,), "flatten", input_dropout=0.5)
    head(FEATURES)
    names = [layer.name for layer in head.steps]
    assert names == [
        *("pool", "input_dropout", "hidden_1", "dropout_1", "predictions")
    ]
    pooled = FEATURES.reshape(6, -1)
    dropped = np.asarray(head.steps[1](pooled, training=True))
    assert 0.3 < np.mean(dropped == 0) < 0.7
    training, inference = (
        np.asarray(head(FEATURES, training=flag)) for flag in (True, False)
    )
    assert np.abs(training - inference).max() > 1e-4
    with pytest.raises(ValueError, match="`input_dropout` is the fraction"):
        kt.heads.MLPHead(2, input_dropout=1)


@pytest.mark.parametrize("head_class", HEADS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "regresion"}, "Did you mean 'regression'"),
        (
            {"task": "multi_label", "activation": "softmax"},
            "add up to 1, but those of task='multi_label' are independent",
        ),
        (
            {"task": "regression", "activation": "softmax"},
            "add up to 1, but those of task='regression'",
        ),
        (
            {"task": "multi_label", "activation": "relu"},
            "needs activation='auto'.*Received: activation='relu'",
        ),
        (
            {"task": "ordinal", "activation": None},
            "leave activation='auto'.*activation=None",
        ),
    ],
)
def test_what_does_not_fit_the_task_is_refused(head_class, arguments, message):
    with pytest.raises(ValueError, match=message):
        head_class(3, **arguments)
    with pytest.raises(ValueError, match=r"2 or more grades.*num_classes=1"):
        head_class(1, task="ordinal")


def build(head, **arguments):
    return kt.build_model(build_tiny(), head, **arguments)


AGE = {"names": ["age"], "units": ["years"], "mean": [40.0], "std": [20.0]}


def test_build_model_records_the_task(tmp_path):
    linear = kt.heads.LinearHead
    labels = build(linear(2, task="multi_label"), thresholds=[0.25, 0.5])
    assert task_of(labels).thresholds == (0.25, 0.5)
    assert (
        task_of(build(linear(2, task="multi_label"))).thresholds == (0.5,) * 2
    )
    # As files of earlier versions do: independent outputs are labels.
    assert task_of(build(linear(2, activation="sigmoid"))).kind == "multi_label"
    assert task_of(build(linear(1))).kind == "classification"
    age = build(linear(1, task="regression"), targets=AGE)
    age.save(tmp_path / "age.keras")
    info = kt.info(kt.load_model(tmp_path / "age.keras"))
    assert info.task["targets"] == AGE


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"]])
def test_grades_are_the_same_after_a_file(names, tmp_path):
    head = kt.heads.LinearHead(len(names), task="ordinal")
    grades = build(head, class_names=names)
    assert kt.info(grades).task["kind"] == "ordinal"
    grades.save(tmp_path / "grades.keras")
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    np.testing.assert_array_equal(
        kt.load_model(tmp_path / "grades.keras").predict(x, verbose=0),
        grades.predict(x, verbose=0),
    )


@pytest.mark.parametrize(
    ("head", "arguments", "message"),
    [
        ({"task": "multi_label"}, {"thresholds": [0.5]}, "needs 2 thresholds"),
        ({}, {"thresholds": [0.5, 0.5]}, "Only kind='multi_label'"),
        ({"task": "regression"}, {"targets": AGE}, "needs 2 targets"),
        (
            {"task": "regression"},
            {"class_names": ["a", "b"]},
            "predicts numbers: name them in `targets`",
        ),
        ({"task": "multi_label"}, {"class_names": ["a"]}, "needs 2 class"),
    ],
)
def test_build_model_refuses_what_does_not_fit(head, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(kt.heads.LinearHead(2, **head), **arguments)


def test_one_label_has_one_name():
    model = build(
        kt.heads.LinearHead(1, task="multi_label"), class_names=["cat"]
    )
    assert kt.info(model).class_names == ["cat"]
