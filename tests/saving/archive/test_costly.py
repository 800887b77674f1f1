"""What a model needs is known before it is built, whatever it is made of."""

import resource
import sys
import time

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import compat
from keras_transfer.saving.archive import stock_names

from . import costly
from .model_files import Parts

INSTALLED = sorted(n for n in stock_names.LAYERS if hasattr(keras.layers, n))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def load(path):
    """Loads a file that may be refused; returns whether it was not."""
    before, start = peak(), time.perf_counter()
    try:
        kt.load_model(path)
        return True
    except kt.ModelFileError:
        return False
    finally:
        assert peak() - before < 300e6
        assert time.perf_counter() - start < 10
        assert not compat.uninitialized_variables()


def every_inflation(model, path, allowed=lambda place: True):
    """Loads a model, and each file with one of its numbers inflated."""
    model.save(path)
    assert load(path)
    inflated = costly.Inflated(path)
    for place in filter(allowed, inflated.places):
        inflated.write(path, place)
        load(path)
    return len(inflated.places)


@pytest.mark.skipif(sys.platform != "linux", reason="counts in KiB")
@pytest.mark.parametrize("name", INSTALLED)
def test_no_number_of_any_layer_takes_memory(name, tmp_path):
    model = costly.model_with(name)
    if model is not None:
        every_inflation(model, tmp_path / "m.keras")


@pytest.mark.skipif(sys.platform != "linux", reason="counts in KiB")
def test_no_number_of_a_compilation_takes_memory(tmp_path):
    for _, optimizer in costly.optimizers():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile(optimizer, "mse", metrics=costly.metrics())
        model.optimizer.build(model.trainable_variables)
        path = tmp_path / "m.keras"
        assert every_inflation(
            model, path, lambda place: place[0] == "compile_config"
        )


def dense(units, inputs=4):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(units)])


def changed(model, tmp_path, change=None, weights=None):
    path = tmp_path / "m.keras"
    model.save(path)
    parts = Parts(path)
    if change is not None:
        change(parts)
    if weights is not None:
        parts.change_weights(weights)
    return parts.write(path)


def config_of(name, **settings):
    return lambda parts: parts.layer(name)["config"].update(settings)


@pytest.mark.parametrize(
    ("layer", "shape", "settings"),
    [
        (lambda: keras.layers.Dense(2, name="l"), (4,), {"units": 10**10}),
        (
            lambda: keras.layers.Embedding(5, 3, name="l"),
            (4,),
            {"input_dim": 10**6, "output_dim": 10**6},
        ),
        (lambda: keras.layers.LSTM(2, name="l"), (3, 4), {"units": 10**6}),
        (
            lambda: keras.layers.Normalization(name="l"),
            (4, 2**14, 2**14),
            {"axis": [2, 3]},
        ),
        (
            lambda: kt.heads.LinearHead(2, name="l"),
            (4,),
            {"num_classes": 10**9},
        ),
    ],
)
def test_weights_that_are_not_stored_are_not_made(
    layer, shape, settings, tmp_path
):
    model = keras.Sequential([keras.Input(shape), layer()])
    path = changed(model, tmp_path, config_of("l", **settings))
    before = peak()
    with pytest.raises(kt.ModelFileError, match="missing [123], |bytes at le"):
        kt.load_model(path)
    assert peak() - before < 300e6


def test_a_lie_about_the_shape_is_of_no_use(tmp_path):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, name="l")]
    )

    def change(parts):
        parts.layer("l")["config"]["units"] = 10**9
        parts.layer("l")["build_config"] = {"input_shape": [None, 1]}

    with pytest.raises(kt.ModelFileError):
        kt.load_model(changed(model, tmp_path, change))


def test_state_of_an_optimizer_counts(tmp_path):
    model = dense(3000, 3000)
    model.compile(keras.optimizers.Adam(amsgrad=True, use_ema=True), "mse")
    model.save(tmp_path / "m.keras")
    with pytest.MonkeyPatch.context() as patch:
        # As if the weights had gigabytes.
        patch.setattr("keras_transfer.saving.archive.limits.BUILT_FLOOR", 0)
        with pytest.raises(kt.ModelFileError, match="bytes at least"):
            kt.load_model(tmp_path / "m.keras")


def test_recurrent_states_count(tmp_path):
    inputs = keras.Input(batch_shape=(2, 3, 4), name="i")
    outputs = keras.layers.LSTM(5, stateful=True, name="l")(inputs)
    model = keras.Model(inputs, outputs)
    path = changed(model, tmp_path)
    assert load(path)

    def change(parts):
        parts.layer("i")["config"]["batch_shape"][0] = 10**8

    with pytest.raises(kt.ModelFileError, match="bytes at least"):
        kt.load_model(changed(model, tmp_path, change))


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (lambda f: f["layers/dense/vars"].__delitem__("1"), "missing 1, such"),
        (
            lambda f: f.create_dataset("layers/more/vars/0", data=[1.0]),
            "not of the model 1, such as float",
        ),
        (lambda f: put(f, np.zeros(2, "int64")), "not of the model 1, such"),
        (lambda f: put(f, np.full(2, 1e300)), "that float32 cannot hold"),
        (lambda f: put(f, np.zeros(2, "complex64")), "has the type complex64"),
        (lambda f: put(f, np.zeros(2, np.longdouble)), "64 bits at most"),
        (lambda f: put(f, np.zeros(1, "float32")), "missing 1, such as float"),
        (lambda f: put(f, np.float64([1, np.inf])), "NaN or infinite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_altered_weights_are_refused(weights, sentence, tmp_path):
    keras.utils.clear_session()
    path = changed(dense(2), tmp_path, weights=weights)
    with pytest.raises(kt.ModelFileError, match=sentence):
        kt.load_model(path)


def put(file, values):
    place = file["layers/dense/vars"]
    del place["1"]
    place.create_dataset("1", data=values)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_narrow_layer_holds_what_is_stored(tmp_path):
    keras.utils.clear_session()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, dtype="float16")]
    )
    path = changed(
        model, tmp_path, weights=lambda f: put(f, np.float32([7e4, 1]))
    )
    with pytest.raises(kt.ModelFileError, match="float16 cannot hold"):
        kt.load_model(path)


def test_a_class_that_makes_variables_of_values_loads(tmp_path):
    @keras.saving.register_keras_serializable("by_value")
    class Counting(keras.layers.Layer):
        def build(self, input_shape):
            self.step = keras.Variable(np.zeros((), "float32"), trainable=False)
            super().build(input_shape)

        def call(self, inputs):
            return inputs + self.step

    model = keras.Sequential([keras.Input((4,)), Counting()])
    model.layers[0].step.assign(3.0)
    path = changed(model, tmp_path)
    loaded = kt.load_model(path)
    assert float(loaded.layers[0].step) == 3.0


@pytest.mark.parametrize("number", [10**12, 70_000])
def test_a_foreign_class_is_told_no_large_number(number, tmp_path):
    @keras.saving.register_keras_serializable("numbered")
    class Table(keras.layers.Layer):
        def __init__(self, length, **options):
            super().__init__(**options)
            self.length = length

        def call(self, inputs):
            return inputs

        def get_config(self):
            return {**super().get_config(), "length": self.length}

    model = keras.Sequential([keras.Input((4,)), Table(3, name="t")])
    assert load(changed(model, tmp_path))
    path = changed(model, tmp_path, config_of("t", length=number))
    with pytest.raises(kt.ModelFileError, match=f"is set to {number}, where"):
        kt.load_model(path)


def test_lists_of_thresholds_are_not_made(tmp_path):
    model = dense(2)
    model.compile("sgd", "mse", metrics=[keras.metrics.AUC(name="a")])
    path = changed(model, tmp_path, config_of("a", num_thresholds=10**9))
    with pytest.raises(
        kt.ModelFileError, match="asks for 1000000000 num_threshold"
    ):
        kt.load_model(path)


@pytest.mark.parametrize("length", [6, 10**6])
def test_unstacking_is_bounded(length, tmp_path):
    inputs = keras.Input((6, 2), name="i")
    outputs = keras.ops.unstack(inputs, axis=1)
    model = keras.Model(inputs, outputs[0])

    def change(parts):
        parts.layer("i")["config"]["batch_shape"][1] = length
        text = parts.config["config"]["layers"][1]["inbound_nodes"]
        text[0]["args"][0]["config"]["shape"][1] = length

    path = changed(model, tmp_path, change)
    if length == 6:
        assert load(path)
        return
    with pytest.raises(kt.ModelFileError, match="takes a tensor apart into 1"):
        kt.load_model(path)


# Keras says so of its own optimizers when they have not trained.
@pytest.mark.filterwarnings("ignore:Skipping variable loading")
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_large_model_that_adam_has_not_trained_yet_is_loaded(
    wrapped, tmp_path
):
    """Its slots are not in the file: three times the weights are needed."""
    model = keras.Sequential(
        [keras.Input((3200,)), keras.layers.Dense(3200, use_bias=False)]
    )
    model.compile(kt.wrap_optimizer("adam") if wrapped else "adam", "mse")
    model.save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.get_weights(), model.get_weights())
