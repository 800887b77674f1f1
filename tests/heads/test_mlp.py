import numpy as np
import pytest

from keras_transfer.heads import MLPHead

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


@pytest.mark.parametrize(
    ("shape", "arguments", "expected"),
    [
        (
            (7, 7, 768),
            {"num_classes": 1, "hidden_units": (1024,), "pooling": "flatten"},
            38_537_217,
        ),
        (
            (7, 7, 512),
            {"num_classes": 1, "hidden_units": (1024,), "pooling": "flatten"},
            25_692_161,
        ),
        (
            (7, 7, 512),
            {"num_classes": 11, "hidden_units": (1024,)},
            15_251_275 - 14_714_688,
        ),
    ],
)
def test_parameter_counts_are_the_plain_ones(shape, arguments, expected):
    head = MLPHead(**arguments)
    head.build((None, *shape))
    assert head.count_params() == expected


def test_hidden_layers_follow_each_other():
    head = MLPHead(3, hidden_units=(6, 7), activation=None)
    outputs = head(FEATURES)
    vectors = FEATURES.mean(axis=(1, 2))
    *hidden, predictions = [
        [np.asarray(weight) for weight in layer.weights]
        for layer in head.steps
        if layer.weights
    ]
    for kernel, bias in hidden:
        vectors = np.maximum(vectors @ kernel + bias, 0)
    kernel, bias = predictions
    np.testing.assert_allclose(outputs, vectors @ kernel + bias, atol=1e-5)


def test_the_hidden_activation_is_applied():
    head = MLPHead(3, hidden_units=[6], hidden_activation="linear")
    tanh = MLPHead(3, hidden_units=[6], hidden_activation="tanh")
    head.build(FEATURES.shape)
    tanh.build(FEATURES.shape)
    tanh.set_weights(head.get_weights())
    assert (np.asarray(head(FEATURES)) != np.asarray(tanh(FEATURES))).any()


def test_dropout_follows_each_hidden_layer():
    head = MLPHead(3, hidden_units=(6, 7), dropout=0.5)
    head.build(FEATURES.shape)
    assert [layer.name for layer in head.steps] == [
        "pool",
        "hidden_1",
        "dropout_1",
        "hidden_2",
        "dropout_2",
        "predictions",
    ]
    assert {layer.rate for layer in head.dropout_layers} == {0.5}


def test_without_hidden_layers_dropout_stands_before_the_output():
    head = MLPHead(3, dropout=0.5)
    head.build(FEATURES.shape)
    names = [layer.name for layer in head.steps]
    assert names == ["pool", "dropout", "predictions"]


@pytest.mark.parametrize(
    ("hidden_units", "error", "message"),
    [
        (1024, TypeError, r"write hidden_units=\(1024,\)"),
        (True, TypeError, r"Received: hidden_units=True"),
        ("1024", TypeError, "must be a list or tuple of positive integers"),
        (None, TypeError, "hidden_units=None of type NoneType"),
        ((64, 0), ValueError, r"`hidden_units\[1\]` must be at least 1"),
        ((64, -2), ValueError, r"Received: hidden_units\[1\]=-2"),
        ((64.0,), TypeError, r"`hidden_units\[0\]` must be a positive integer"),
        ((True,), TypeError, r"hidden_units\[0\]=True of type bool"),
    ],
)
def test_bad_hidden_units_are_explained(hidden_units, error, message):
    with pytest.raises(error, match=message):
        MLPHead(2, hidden_units=hidden_units)


@pytest.mark.parametrize("name", ["rellu", "auto"])
def test_an_unknown_hidden_activation_is_explained(name):
    with pytest.raises(ValueError, match="Unknown `hidden_activation`"):
        MLPHead(2, hidden_units=(4,), hidden_activation=name)


def test_a_missing_hidden_activation_is_explained():
    with pytest.raises(TypeError, match="`hidden_activation` must be a str"):
        MLPHead(2, hidden_units=(4,), hidden_activation=None)


def test_an_unknown_pooling_is_explained():
    with pytest.raises(ValueError, match="Did you mean 'flatten'?"):
        MLPHead(3, pooling="Flaten")
