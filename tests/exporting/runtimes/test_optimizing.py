"""What is optimized predicts the same, and leaves the model alone."""

import re
import time

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting.runtimes.optimized import median_seconds
from keras_transfer.exporting.trial import trial_images
from tests.exporting import networks

FAST = {"batch_sizes": (1,), "runtimes": ("graph",)}


@pytest.fixture
def model():
    return networks.lively(
        kt.build_model(
            networks.convolutional(), kt.heads.LinearHead(3, dropout=0.5)
        )
    )


def branches(outputs):
    """Two outputs, one of them normalized, on a nested model."""
    image = keras.Input((16, 16, 3))
    maps = networks.convolutional()(image)
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    kind = keras.layers.Dense(3, name="kind")(pooled)
    size = keras.layers.Dense(1, name="size")(pooled)
    size = keras.layers.BatchNormalization()(size)
    return networks.lively(keras.Model(image, outputs(kind, size)))


@pytest.mark.parametrize(
    "runtime", ["eager", "compiled", "graph", "xla", "onnx", "litert"]
)
def test_each_runtime_predicts_what_the_model_predicts(model, runtime):
    for package in {"onnx": ["tf2onnx", "onnxruntime"]}.get(runtime, []):
        pytest.importorskip(package)
    if runtime == "litert":
        pytest.importorskip("ai_edge_litert")
    images = trial_images(model)
    fast = kt.optimize_for_inference(
        model, batch_sizes=(2,), runtimes=[runtime]
    )
    assert fast.runtime == runtime
    assert fast.folded == 3
    expected = model.predict(images, verbose=0)
    assert np.ptp(expected, axis=0).max() > 1e-2
    np.testing.assert_allclose(fast(images), expected, atol=1e-5)
    # The last batch is smaller than the others.
    np.testing.assert_allclose(
        fast.predict(images, batch_size=3), expected, atol=1e-5
    )


@pytest.mark.parametrize(
    "outputs",
    [
        lambda kind, size: {"size": size, "kind": kind},
        lambda kind, size: [kind, size],
    ],
    ids=["dictionary", "list"],
)
def test_several_outputs_keep_their_structure(outputs):
    model = branches(outputs)
    images = trial_images(model)
    fast = kt.optimize_for_inference(
        model, batch_sizes=(1,), runtimes=["graph", "onnx"]
    )
    refused = {m.runtime: m.refused for m in fast.measurements}
    assert "2 outputs" in refused["onnx"]
    expected = model.predict(images, verbose=0)
    received = fast.predict(images, batch_size=5)
    keras.tree.assert_same_structure(expected, received)
    for one, other in zip(
        keras.tree.flatten(expected), keras.tree.flatten(received), strict=True
    ):
        assert np.ptp(one) > 1e-2
        np.testing.assert_allclose(other, one, atol=1e-4)


def test_images_of_bytes_are_predicted_as_bytes():
    image = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.GlobalAveragePooling2D()(networks.convolutional()(x))
    model = networks.lively(keras.Model(image, x))
    images = trial_images(model)
    assert images.dtype == "uint8"
    fast = kt.optimize_for_inference(model, **FAST)
    np.testing.assert_allclose(
        fast.predict(images), model.predict(images, verbose=0), atol=1e-5
    )


def test_the_model_given_stays_what_it_is(model):
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    config = model.get_config()
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    fast = kt.optimize_for_inference(model, **FAST)
    assert model.predict_function is None
    assert model.get_config() == config
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # It trains on without the other noticing.
    images = trial_images(model)
    expected = fast.predict(images)
    model.fit(images, np.arange(8) % 3, verbose=0)
    assert not np.allclose(model.predict(images, verbose=0), expected)
    np.testing.assert_array_equal(fast.predict(images), expected)


def test_the_report_names_the_fastest_first(model):
    fast = kt.optimize_for_inference(
        model, batch_sizes=(1, 4), runtimes=["eager", "graph"]
    )
    names = [m.runtime for m in fast.measurements]
    assert set(names) == {"model.predict", "eager", "graph"}
    assert fast.runtime == next(n for n in names if n != "model.predict")
    for measurement in fast.measurements:
        assert set(measurement.seconds) == {1, 4}
        assert min(measurement.seconds.values()) > 0
    by_name = {m.runtime: m for m in fast.measurements}
    assert by_name["model.predict"].speedup == {1: 1, 4: 1}
    graph = by_name["graph"]
    assert graph.speedup[4] == pytest.approx(
        by_name["model.predict"].seconds[4] / graph.seconds[4]
    )
    assert graph.difference < 1e-4
    text = str(fast)
    assert text.endswith(f"chosen: {fast.runtime}")
    assert re.search(r"^graph +[\d.]+ ms, [\d.]+ x +[\d.]+ ms", text, re.M)


def test_calls_take_turns_and_the_hopeless_ones_are_spared():
    asked = []

    def call(name, seconds):
        def run(images):
            asked.append(name)
            time.sleep(seconds)

        return run

    medians = median_seconds(
        {"slow": call("slow", 0.3), "fast": call("fast", 0.001)}, None, 5
    )
    assert medians["slow"] > medians["fast"]
    assert asked.count("fast") == 6
    assert asked.count("slow") == 2


def test_other_outputs_are_refused(model):
    """Half precision is not what float32 returns."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = networks.lively(
            kt.build_model(networks.convolutional(), kt.heads.LinearHead(3))
        )
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(
        ValueError, match=r"No runtime returns .*graph: its outputs differ by"
    ):
        kt.optimize_for_inference(half, **FAST)


def test_a_model_that_returns_no_numbers_is_refused(model):
    model.layers[-1].predictions.bias.assign([np.nan] * 3)
    with pytest.raises(ValueError, match="returns NaN or infinity"):
        kt.optimize_for_inference(model, **FAST)


def test_several_inputs_are_refused():
    one, other = keras.Input((4,)), keras.Input((4,))
    with pytest.raises(ValueError, match="has 2 inputs. Expected one"):
        kt.optimize_for_inference(
            keras.Model([one, other], keras.layers.Add()([one, other]))
        )


def test_what_has_no_graph_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="has no graph"):
        kt.optimize_for_inference(Own())
    with pytest.raises(TypeError, match="must be a keras.Model"):
        kt.optimize_for_inference("model.keras")


def test_arguments_out_of_range_are_refused(model):
    with pytest.raises(ValueError, match="'graf'.*Did you mean 'graph'"):
        kt.optimize_for_inference(model, runtimes=["graf"])
    for sizes in ((), (0,), (1.5,), 32):
        with pytest.raises(ValueError, match="`batch_sizes` must be a"):
            kt.optimize_for_inference(model, batch_sizes=sizes)


def test_images_that_do_not_fit_are_refused(model):
    fast = kt.optimize_for_inference(model, **FAST)
    with pytest.raises(ValueError, match="expects images of shape"):
        fast.predict(np.zeros((2, 8, 8, 3)))
    with pytest.raises(ValueError, match="Add the batch axis"):
        fast(np.zeros((16, 16, 3)))
    with pytest.raises(ValueError, match="There is no image"):
        fast.predict(np.zeros((0, 16, 16, 3)))
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        fast.predict(np.zeros((1, 16, 16, 3)), batch_size=0)
