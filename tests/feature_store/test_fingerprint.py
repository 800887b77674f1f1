"""Fingerprints change with what is computed, and with nothing else."""

import os

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.feature_store.fingerprint import digest_of_arrays
from keras_transfer.feature_store.fingerprint import digest_of_graph
from keras_transfer.feature_store.fingerprint import fingerprint_arrays
from keras_transfer.feature_store.fingerprint import fingerprint_batches
from keras_transfer.feature_store.fingerprint import fingerprint_files
from keras_transfer.feature_store.fingerprint import fingerprint_model


def build(rate=0.5, kernel=3, policy="float32", second="relu"):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(2, kernel, padding="same", dtype=policy)(x)
    y = keras.layers.Activation(second)(x)
    x = keras.layers.Dropout(rate)(keras.layers.Add()([x, y]))
    return keras.Model(image, x)


def copy(model, **options):
    other = build(**options)
    other.set_weights(model.get_weights())
    return other


def test_names_count_for_nothing():
    model = build()
    assert fingerprint_model(copy(model)) == fingerprint_model(model)


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": 1},
        {"rate": 0.4},
        {"policy": "mixed_float16"},
        {"second": "gelu"},
    ],
)
def test_options_of_layers_count(change):
    assert digest_of_graph(build(**change)) != digest_of_graph(build())


def test_connections_count():
    image = keras.Input((4,))
    first = keras.layers.Dense(4)(image)
    second = keras.layers.Dense(4, "relu")(image)
    models = [
        keras.Model(image, keras.layers.Subtract()(pair))
        for pair in ([first, second], [second, first], [first, first])
    ]
    assert len({digest_of_graph(model) for model in models}) == 3


def test_every_single_weight_counts():
    model = build()
    before = fingerprint_model(model)
    kernel = model.weights[0].numpy()
    kernel[-1, -1, -1, -1] = np.nextafter(kernel[-1, -1, -1, -1], 9)
    model.weights[0].assign(kernel)
    after = fingerprint_model(model)
    assert after["graph"] == before["graph"]
    assert after["weights"] != before["weights"]


def test_only_the_part_in_use_counts():
    model = build()
    head = keras.layers.Dense(2)
    whole = keras.Model(model.input, head(model.output))
    part = keras.Model(whole.input, whole.layers[2].output)
    before = fingerprint_model(part), fingerprint_model(whole)
    head.kernel.assign(head.kernel + 1)
    assert fingerprint_model(part) == before[0]
    assert fingerprint_model(whole) != before[1]


def test_saving_freezing_and_training_history_count_for_nothing(
    tiny_model, tmp_path
):
    before = fingerprint_model(tiny_model)
    kt.freeze(tiny_model)
    kt.compile_for_transfer(tiny_model)
    kt.save_model(tiny_model, tmp_path / "m.keras")
    reloaded = kt.load_model(tmp_path / "m.keras")
    reloaded.layers[1].metadata["history"] = {"loss": [1.0]}
    assert fingerprint_model(reloaded) == before


def test_seeds_of_dropout_are_no_weights():
    model = build()
    before = fingerprint_model(model)
    model(np.ones((1, 8, 8, 3)), training=True)
    assert fingerprint_model(model) == before


def test_a_subclassed_model_is_known_by_class_and_weights():
    class Net(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def build(self, shape):
            self.dense.build(shape)

        def call(self, x):
            return self.dense(x)

    first, second = Net(2), Net(2)
    first.build((None, 3))
    second.build((None, 3))
    second.set_weights(first.get_weights())
    assert fingerprint_model(first) == fingerprint_model(second)
    second.dense.bias.assign([1, 0])
    assert fingerprint_model(first) != fingerprint_model(second)


def test_shapes_and_types_of_arrays_count():
    zeros = np.zeros(4, "float32")
    digests = {
        digest_of_arrays(arrays)
        for arrays in (
            [zeros],
            [zeros.reshape(2, 2)],
            [zeros.astype("float64")],
            [zeros.view("int32")],
            [zeros, zeros],
            [zeros[:2], zeros[:2]],
        )
    }
    assert len(digests) == 6
    assert fingerprint_arrays(zeros) == fingerprint_arrays(zeros.copy())


def test_files_count_by_size_and_time_or_by_content(tmp_path):
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_text(path.name)
        os.utime(path, (1, 1))
    status = fingerprint_files(paths, tmp_path)
    content = fingerprint_files(paths, tmp_path, by="content")
    assert status["files"] == 2
    assert fingerprint_files(paths[::-1], tmp_path) != status
    os.utime(paths[0], (2, 2))
    assert fingerprint_files(paths, tmp_path) != status
    assert fingerprint_files(paths, tmp_path, by="content") == content
    paths[0].write_text("c")
    assert fingerprint_files(paths, tmp_path, by="content") != content


def test_a_folder_may_be_moved(tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    (before / "a").touch()
    first = fingerprint_files([before / "a"], before)
    after = before.rename(tmp_path / "after")
    assert fingerprint_files([after / "a"], after) == first


@pytest.mark.parametrize("by", ["status", "content"])
def test_a_missing_file_has_no_fingerprint(tmp_path, by):
    with pytest.raises(ValueError, match="There is no file '.*none'"):
        fingerprint_files([tmp_path / "none"], by=by)


def test_an_unknown_way_to_compare_files():
    with pytest.raises(ValueError, match="must be 'status' or 'content'"):
        fingerprint_files([], by="name")


def test_batches_count_in_their_order_and_grouping():
    x, y = np.ones((2, 3)), np.zeros(2)
    first = fingerprint_batches([(x, y), ({"a": x, "b": y}, None)])
    assert first["batches"] == 2
    assert first == fingerprint_batches([[x, y], ({"b": y, "a": x},)])
    assert first != fingerprint_batches([(x, y, x), (y,)])
