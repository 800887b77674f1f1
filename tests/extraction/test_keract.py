"""The calls that keract documents, by the means of this library.

Ported from keract's README, `tests/test_get_activations.py` and
`examples/model_in_model.py` (github.com/philipperemy/keract, MIT license).
Its `auto_compile` has no counterpart: nothing here needs a compiled model.
"""

import keras
import numpy as np
import pytest
from keras import layers

import keras_transfer as kt
from tests.extraction.networks import numpy


def shapes(activations):
    return {name: tuple(value.shape) for name, value in activations.items()}


@keras.saving.register_keras_serializable("tests")
class NestedModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc = layers.Dense(10, name="fc1")
        self.relu = layers.ReLU(name="relu")

    def call(self, x):
        return self.relu(self.fc(x))


@keras.saving.register_keras_serializable("tests")
class NestedLayer(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc = layers.Dense(10, name="fc1")
        self.relu = layers.ReLU(name="relu")

    def call(self, x):
        return self.relu(self.fc(x))


@pytest.fixture
def dummy():
    """keract's `dummy_model_and_inputs`."""
    i1 = keras.Input((10,), name="i1")
    x = NestedLayer(name="block")(NestedModel(name="model")(i1))
    model = keras.Model(i1, layers.Dense(1, name="fc1")(x))
    return model, np.random.default_rng(0).uniform(size=(32, 10))


def two_inputs():
    """The model of keract's README."""
    i1, i2 = keras.Input((10,), name="i1"), keras.Input((10,), name="i2")
    merged = layers.concatenate(
        [layers.Dense(1, name="fc1")(i1), layers.Dense(1, name="fc2")(i2)],
        name="concat",
    )
    return keras.Model([i1, i2], layers.Dense(1, name="out")(merged))


def test_all_layers_of_a_model_with_two_inputs():
    # get_activations(model, x, auto_compile=True)
    rng = np.random.default_rng(0)
    x = [rng.uniform(size=(32, 10)), rng.uniform(size=(32, 10))]
    activations = kt.build_extractor(two_inputs(), "*").predict(x, verbose=0)
    assert shapes(activations) == {
        "fc1": (32, 1),
        "fc2": (32, 1),
        "concat": (32, 2),
        "out": (32, 1),
    }


@pytest.mark.parametrize("name", ["fc1", "model", "block"])
def test_one_layer_by_name(dummy, name):
    # get_activations(model, x, layer_names='fc1')
    model, x = dummy
    assert list(kt.build_extractor(model, name)(x)) == [name]


@pytest.mark.parametrize("outer", ["block", "model"])
def test_layers_inside_a_nested_model_or_layer(dummy, outer):
    # get_activations(model, x, layer_names=['block/fc1', 'block/relu'],
    #                 nested=True)
    model, x = dummy
    names = [f"{outer}/fc1", f"{outer}/relu"]
    activations = kt.build_extractor(model, names)(x)
    assert list(activations) == names
    np.testing.assert_array_equal(
        np.maximum(numpy(activations[names[0]]), 0),
        numpy(activations[names[1]]),
    )


def test_an_unknown_layer_is_an_error(dummy):
    # get_activations(model, x, layer_names='unknown')
    with pytest.raises(ValueError, match="'unknown' matches nothing"):
        kt.build_extractor(dummy[0], "unknown")


def test_no_layer_at_all_is_an_error(dummy):
    # get_activations(model, x, nodes_to_evaluate=[])
    with pytest.raises(ValueError, match="at least one selector"):
        kt.build_extractor(dummy[0], [])


def test_keys_are_names_paths_or_numbers(dummy):
    # output_format='simple', 'full' and 'numbered'
    model, x = dummy
    simple = kt.build_extractor(model, ["model", "block", "fc1"])(x)
    full = kt.build_extractor(model, "*", mode="record")(x)
    numbered = kt.build_extractor(
        model, {str(i): layer.name for i, layer in enumerate(model.layers[1:])}
    )(x)
    assert list(simple) == ["model", "block", "fc1"]
    assert set(full) == {
        "model",
        "model/fc1",
        "model/relu",
        "block",
        "block/fc1",
        "block/relu",
        "fc1",
    }
    assert set(numbered) == {"0", "1", "2"}
    for name, number in zip(simple, numbered, strict=True):
        np.testing.assert_array_equal(
            numpy(simple[name]), numpy(numbered[number])
        )
        np.testing.assert_array_equal(numpy(simple[name]), numpy(full[name]))


def test_only_layers_of_one_kind(dummy):
    # keract filters by calling get_activations once for each layer name.
    model, _ = dummy
    extractor = kt.build_extractor(
        model, lambda layer: isinstance(layer, layers.Dense), mode="record"
    )
    assert set(extractor.paths) == {"model/fc1", "block/fc1", "fc1"}


def test_activations_and_weights_make_the_next_activation(dummy):
    # get_activations(model, x, nodes_to_evaluate=[z, w, b])
    model, x = dummy
    activations = kt.build_extractor(model, ["block", "fc1"])(x)
    kernel, bias = map(numpy, model.get_layer("fc1").weights)
    np.testing.assert_allclose(
        numpy(activations["block"]) @ kernel + bias,
        numpy(activations["fc1"]),
        atol=1e-6,
    )


def test_inputs_keep_their_order():
    # keract's test_inputs_order: an order unlike that of their names.
    sizes = {"i4": 40, "i3": 30, "i2": 20, "i1": 10}
    inputs = [keras.Input((size,), name=name) for name, size in sizes.items()]
    scaled = [
        layers.Rescaling(2.0, name=f"double_{tensor.name}")(tensor)
        for tensor in inputs
    ]
    x = layers.concatenate(scaled[::-1], name="concat")
    model = keras.Model(inputs, layers.Dense(1, name="fc1")(x))
    data = [np.full((1, size), size, "float32") for size in sizes.values()]
    activations = kt.build_extractor(model, "double_*")(data)
    for name, size in sizes.items():
        np.testing.assert_array_equal(
            numpy(activations[f"double_{name}"]), np.full((1, size), 2 * size)
        )


def test_several_inputs_and_outputs():
    # keract's get_multi_outputs_model
    a, b = keras.Input((10,), name="i1"), keras.Input((10,), name="i2")
    c = layers.Add(name="add")([a, b])
    d = layers.Dense(1, activation="sigmoid", name="o1")(c)
    e = layers.Dense(2, activation="sigmoid", name="o2")(c)
    extractor = kt.build_extractor(keras.Model([a, b], [d, e]), "*")
    x = np.ones((5, 10), "float32")
    assert shapes(extractor([x, x])) == {
        "add": (5, 10),
        "o1": (5, 1),
        "o2": (5, 2),
    }


def test_a_sequential_model_in_a_model():
    # examples/model_in_model.py; nested=False and nested=True
    subnet = keras.Sequential(
        [
            layers.Conv2D(6, 3, padding="same", name="conv2d"),
            layers.MaxPool2D(name="max_pooling2d"),
            layers.Conv2D(12, 3, padding="same", name="conv2d_1"),
            layers.MaxPool2D(name="max_pooling2d_1"),
        ],
        name="subnet",
    )
    image = keras.Input((32, 32, 1))
    x = layers.Flatten(name="flatten")(subnet(image))
    model = keras.Model(image, layers.Dense(1, name="dense")(x))
    data = np.zeros((8, 32, 32, 1), "float32")
    outside = kt.build_extractor(model, [op.name for op in model.layers[1:]])
    assert set(outside(data)) == {"subnet", "flatten", "dense"}
    inside = kt.build_extractor(model, "subnet/*")(data)
    assert shapes(inside) == {
        "subnet/conv2d": (8, 32, 32, 6),
        "subnet/max_pooling2d": (8, 16, 16, 6),
        "subnet/conv2d_1": (8, 16, 16, 12),
        "subnet/max_pooling2d_1": (8, 8, 8, 12),
    }


def test_a_recurrent_layer_gives_its_sequence_and_its_states():
    # keract's test_get_activations_from_multi_outputs
    words = keras.Input((None,), name="input")
    x = layers.Embedding(100, 4, name="embedding")(words)
    lstm = layers.LSTM(4, return_sequences=True, return_state=True, name="lstm")
    _, state_h, _ = lstm(x)
    model = keras.Model(words, layers.Dense(1, name="final_dense")(state_h))
    activations = kt.build_extractor(model, "lst*")(np.ones((16, 10)))
    assert shapes(activations) == {
        "lstm[0]": (16, 10, 4),
        "lstm[1]": (16, 4),
        "lstm[2]": (16, 4),
    }


def test_activations_are_kept_in_a_file(dummy, tmp_path):
    # persist_to_json_file(activations, filename) and its way back
    model, x = dummy
    activations = kt.build_extractor(model, ["model", "fc1"]).predict(
        x, verbose=0
    )
    np.savez(tmp_path / "activations.npz", **activations)
    loaded = np.load(tmp_path / "activations.npz")
    for name, activation in activations.items():
        np.testing.assert_array_equal(loaded[name], activation)
