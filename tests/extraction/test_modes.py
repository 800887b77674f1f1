"""The three ways to an activation, and which one is taken."""

import threading

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_transfer as kt
from tests.extraction.networks import encoder
from tests.extraction.networks import numpy
from tests.extraction.networks import random
from tests.extraction.networks import run


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A composite layer whose parts no graph shows."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.conv = layers.Dense(units, name="conv")
        self.drop = layers.Dropout(0.5, name="drop")

    def build(self, input_shape):
        self.conv.build(input_shape)

    def call(self, x):
        return self.drop(ops.relu(self.conv(x)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("tests")
class Traceable(keras.Model):
    """A subclassed model of layers and `keras.ops` alone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(6, name="first")
        self.encoder = encoder(size=6)
        self.block = Block(5, name="block")
        self.last = layers.Dense(2, name="last")

    def call(self, x, training=None):
        x = ops.relu(self.first(x)) * 2.0
        x = self.encoder(x, training=training)
        if training:
            x = x + 1.0
        return self.last(self.block(x))


@keras.saving.register_keras_serializable("tests")
class Branching(keras.Model):
    """A subclassed model that looks at the values."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.small = layers.Dense(3, name="small")
        self.large = layers.Dense(3, name="large")
        self.twice = layers.Dense(3, name="twice")

    def call(self, x):
        x = self.large(x) if numpy(ops.sum(x)) > 0 else self.small(x)
        return self.twice(self.twice(x))


@pytest.fixture
def traceable():
    model = Traceable()
    model(random(2, 8))
    return model


@pytest.fixture
def branching():
    model = Branching()
    for sign in (1, -1):  # Both branches make their weights.
        model(sign * np.ones((2, 3), "float32"))
    return model


def reload(extractor, tmp_path):
    extractor.save(tmp_path / "extractor.keras")
    return keras.saving.load_model(tmp_path / "extractor.keras")


def test_a_subclassed_model_is_traced(traceable, tmp_path):
    extractor = kt.build_extractor(
        traceable, ["first", "encoder/c1", "encoder", "last"]
    )
    assert extractor.mode == "trace"
    x = random(3, 8)
    activations = extractor(x)
    first = traceable.first(x)
    np.testing.assert_array_equal(numpy(activations["first"]), numpy(first))
    np.testing.assert_array_equal(
        numpy(activations["encoder/c1"]),
        numpy(run(traceable.encoder, ops.relu(first) * 2.0, "c1")),
    )
    np.testing.assert_array_equal(
        numpy(activations["last"]), numpy(traceable(x))
    )
    own = {id(variable) for variable in traceable.variables}
    assert {id(v) for v in extractor.weights} <= own
    reloaded = reload(extractor, tmp_path)
    assert reloaded.mode == "trace"
    np.testing.assert_array_equal(
        numpy(reloaded(x)["encoder/c1"]), numpy(activations["encoder/c1"])
    )


def test_what_a_trace_does_not_need_is_left_out(traceable):
    extractor = kt.build_extractor(traceable, "first")
    assert len(extractor.weights) == 2


def test_parts_of_a_composite_layer_are_recorded(traceable, tmp_path):
    extractor = kt.build_extractor(traceable, ["block/conv", "first"])
    assert extractor.mode == "record"
    x = random(3, 8)
    activations = extractor(x)
    inside = traceable.encoder(ops.relu(traceable.first(x)) * 2.0)
    np.testing.assert_array_equal(
        numpy(activations["block/conv"]), numpy(traceable.block.conv(inside))
    )
    assert {id(v) for v in extractor.weights} == {
        id(v) for v in traceable.weights
    }
    predicted = extractor.predict(x, verbose=0)
    np.testing.assert_allclose(
        predicted["block/conv"], numpy(activations["block/conv"]), atol=1e-6
    )
    reloaded = reload(extractor, tmp_path)
    assert reloaded.mode == "record"
    assert reloaded.paths == extractor.paths
    np.testing.assert_array_equal(
        numpy(reloaded(x)["block/conv"]), numpy(activations["block/conv"])
    )


def test_a_composite_layer_in_a_functional_model_is_recorded_too():
    features = keras.Input((8,))
    inner = keras.Model(
        features, Block(4, name="block")(features), name="inner"
    )
    outer = keras.Input((8,))
    model = keras.Model(outer, layers.Dense(2, name="out")(inner(outer)))
    assert kt.build_extractor(model, "inner/block").mode == "graph"
    extractor = kt.build_extractor(model, ["inner/block/conv", "head"])
    assert extractor.mode == "record"
    x = random(2, 8)
    block = inner.get_layer("block")
    np.testing.assert_array_equal(
        numpy(extractor(x)["inner/block/conv"]), numpy(block.conv(x))
    )
    with pytest.raises(ValueError, match="Did you mean 'inner/block/conv'"):
        kt.build_extractor(model, "inner/block/cnov")


def test_branches_on_values_are_recorded_as_they_run(branching):
    extractor = kt.build_extractor(branching, ["twice", "twice:1"])
    assert extractor.mode == "record"
    for sign, branch in ((1, branching.large), (-1, branching.small)):
        x = sign * np.ones((2, 3), "float32")
        activations = extractor(x)
        once = branching.twice(branch(x))
        np.testing.assert_array_equal(numpy(activations["twice"]), numpy(once))
        np.testing.assert_array_equal(
            numpy(activations["twice:1"]), numpy(branching.twice(once))
        )


def test_a_layer_that_did_not_run_says_so(branching):
    extractor = kt.build_extractor(branching, "small")
    with pytest.raises(ValueError, match=r"'small' was called 0 time\(s\)"):
        extractor(np.ones((2, 3), "float32"))


def test_recording_leaves_the_layers_as_they_were(branching):
    extractor = kt.build_extractor(branching, ["large", "small"])
    with pytest.raises(ValueError, match="called 0"):
        extractor(np.ones((2, 3), "float32"))
    assert "call" not in vars(branching.large)
    assert "call" not in vars(branching.small)


class Several(keras.Model):
    def __init__(self):
        super().__init__()
        self.lstm = layers.LSTM(3, return_state=True, name="lstm")

    def call(self, x):
        return self.lstm(x)[1 if numpy(ops.sum(x)) > 0 else 0]


def test_recording_a_layer_of_several_outputs_asks_for_one():
    model, x = Several(), np.ones((2, 4, 3), "float32")
    model(x)
    with pytest.raises(ValueError, match=r"returned 3 tensors.*'lstm\[0\]'"):
        kt.build_extractor(model, "lstm")(x)
    with pytest.raises(ValueError, match=r"3 tensor\(s\).*'lstm\[3\]'"):
        kt.build_extractor(model, "lstm[3]")(x)
    extractor = kt.build_extractor(model, {"state": "lstm[1]"})
    np.testing.assert_array_equal(
        numpy(extractor(x)["state"]), numpy(model.lstm(x)[1])
    )


class Twins(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one = layers.Dense(2, name="twin")
        self.other = layers.Dense(2, name="twin")

    def call(self, x):
        return self.other(self.one(x))


def test_two_layers_of_one_path_cannot_be_told_apart():
    model = keras.Sequential([keras.Input((2,)), Twins(name="twins")])
    with pytest.raises(ValueError, match="2 layers .* bear the path"):
        kt.build_extractor(model, "twins/twin")


def test_time_distributed_layers_have_one_entry_per_step():
    inner = layers.Dense(2, name="inner")
    model = keras.Sequential(
        [
            keras.Input((3, 4), batch_size=2),
            layers.TimeDistributed(inner, name="steps"),
        ]
    )
    x = random(2, 3, 4)
    recorded = kt.build_extractor(model, {"a": "steps/inner"})
    assert recorded.mode == "record"
    assert tuple(recorded(x)["a"].shape)[-1] == 2


def test_each_mode_can_be_asked_for(traceable, tiny_model, branching):
    x, images = random(2, 8), random(1, 32, 32, 3)
    assert (
        kt.build_extractor(tiny_model, "conv_1", mode="graph").mode == "graph"
    )
    assert kt.build_extractor(traceable, "first", mode="trace").mode == "trace"
    for model, name, data in (
        (traceable, "first", x),
        (tiny_model, "conv_1", images),
        (tiny_model, "stage_1", images),
    ):
        recorded = kt.build_extractor(model, name, mode="record")
        assert recorded.mode == "record"
        np.testing.assert_allclose(
            numpy(recorded(data)[name]),
            numpy(kt.build_extractor(model, name)(data)[name]),
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("mode", "selector", "message"),
    [
        ("graph", "first", "a Traceable with a `call` of its own"),
        ("trace", "block/conv", "Did you mean 'block/conv'"),
        ("fast", "first", "must be one of.*Received: 'fast'"),
    ],
)
def test_a_mode_that_cannot_work_says_why(traceable, mode, selector, message):
    with pytest.raises(ValueError, match=message):
        kt.build_extractor(traceable, selector, mode=mode)


def test_a_model_with_a_graph_is_not_traced(tiny_model):
    with pytest.raises(ValueError, match="has a graph already"):
        kt.build_extractor(tiny_model, "conv_1", mode="trace")


def test_a_trace_that_fails_gives_its_reason(branching):
    with pytest.raises(ValueError, match="cannot call .* on symbolic inputs: "):
        kt.build_extractor(branching, "large", mode="trace")


def test_a_subclassed_model_that_is_not_built_says_so():
    with pytest.raises(ValueError, match="Call it on a batch first"):
        kt.build_extractor(Traceable(), "first")


@keras.saving.register_keras_serializable("tests")
class Doubling(keras.Model):
    """A Functional model that does something else when it is called."""

    def call(self, inputs, training=None, mask=None):
        return 2.0 * super().call(2.0 * inputs, training=training, mask=mask)


def test_a_graph_that_the_call_does_not_follow_is_not_believed():
    features = keras.Input((4,))
    hidden = layers.Dense(3, name="hidden")
    model = Doubling(features, layers.Dense(2, name="out")(hidden(features)))
    x = random(2, 4)
    extractor = kt.build_extractor(model, "hidden")
    assert extractor.mode != "graph"
    np.testing.assert_array_equal(
        numpy(extractor(x)["hidden"]), numpy(hidden(2.0 * x))
    )
    outer = keras.Input((4,))
    nested = keras.Model(outer, layers.Dense(1)(model(outer)))
    extractor = kt.build_extractor(nested, f"{model.name}/hidden")
    np.testing.assert_array_equal(
        numpy(extractor(x)[f"{model.name}/hidden"]), numpy(hidden(2.0 * x))
    )


def test_other_threads_are_not_recorded(branching):
    extractor = kt.build_extractor(branching, "large")
    x = np.ones((2, 3), "float32")
    expected = numpy(branching.large(x))
    stop = threading.Event()

    def use_the_model():
        while not stop.is_set():
            branching(5 * x)

    user = threading.Thread(target=use_the_model)
    user.start()
    try:
        for _ in range(20):
            np.testing.assert_array_equal(
                numpy(extractor(x)["large"]), expected
            )
    finally:
        stop.set()
        user.join()
