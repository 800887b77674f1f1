"""The inference graph holds what predicts, and nothing else."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.inference_graph import inference_graph
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.exporting.trial import trial_images
from tests.exporting import networks


def kinds(model):
    return {type(layer).__name__ for layer in model.layers}


def assert_near(model, graph, tolerance=1e-5):
    images = trial_images(model)
    expected = outputs_of(model, images)
    assert np.ptp(expected, axis=0).max() > 100 * tolerance
    np.testing.assert_allclose(
        outputs_of(graph, images), expected, atol=tolerance
    )


def test_dropout_and_normalizations_are_gone(classifier):
    head = kt.heads.MLPHead(3, hidden_units=(8,), dropout=0.5)
    model = classifier(head=head)
    result = inference_graph(model)
    assert (result.folded, result.kept, result.dtypes) == (3, 0, ())
    assert not kinds(result.model) & {
        "Dropout",
        "BatchNormalization",
        "ModelInfo",
        "MLPHead",
    }
    assert_near(model, result.model)


def test_augmentation_rests_even_under_a_plain_call():
    image = keras.Input((16, 16, 3))
    x = keras.layers.RandomFlip()(image)
    x = keras.layers.RandomContrast(0.9)(x)
    x = keras.layers.GaussianNoise(1.0)(x)
    model = networks.lively(
        keras.Model(
            image,
            kt.heads.LinearHead(3)(networks.convolutional()(x)),
        )
    )
    graph = inference_graph(model).model
    images = trial_images(model)
    # What exporters do, of which Keras makes a call in training.
    plain = keras.ops.convert_to_numpy(graph(images))
    np.testing.assert_array_equal(
        plain, keras.ops.convert_to_numpy(graph(images))
    )
    assert_near(model, graph)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("axis", [-1, None])
def test_normalization_becomes_rescaling(axis, invert):
    image = keras.Input((4, 4, 3))
    layer = keras.layers.Normalization(axis, invert=invert, name="norm")
    model = keras.Model(image, layer(image))
    layer.adapt(np.random.default_rng(0).normal(3, 9, (10, 4, 4, 3)))
    graph = inference_graph(model).model
    assert kinds(graph) == {"InputLayer", "Rescaling"}
    images = trial_images(model)
    np.testing.assert_allclose(
        outputs_of(graph, images), outputs_of(model, images), rtol=1e-5
    )


def test_normalization_with_given_numbers_becomes_rescaling():
    image = keras.Input((4, 4, 3))
    layer = keras.layers.Normalization(mean=[1, 2, 3], variance=[4, 9, 0])
    model = keras.Model(image, layer(image))
    graph = inference_graph(model).model
    assert kinds(graph) == {"InputLayer", "Rescaling"}
    images = trial_images(model)
    np.testing.assert_allclose(
        outputs_of(graph, images), outputs_of(model, images), rtol=1e-5
    )


def test_normalization_over_positions_stays():
    image = keras.Input((4, 4, 3))
    layer = keras.layers.Normalization(axis=(1, 2, 3))
    model = keras.Model(image, layer(image))
    assert "Normalization" in kinds(inference_graph(model).model)


def test_half_precision_becomes_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = networks.lively(
            kt.build_model(
                networks.convolutional(),
                kt.heads.AttentionPoolHead(3, attention_units=8),
            )
        )
        result = inference_graph(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert result.dtypes == ("float16",)
    assert {
        layer.compute_dtype for layer in result.model.layers if layer.weights
    } == {"float32"}
    assert_near(model, result.model, tolerance=5e-3)


def test_images_of_bytes_stay_bytes():
    image = keras.Input((4, 4, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, keras.layers.Flatten()(x))
    graph = inference_graph(model).model
    assert graph.inputs[0].dtype == "uint8"
    assert_near(model, graph)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"groups": 4, "strides": 2, "activation": "relu"}, "DepthwiseConv2D"),
        ({"groups": 4, "dilation_rate": 2, "use_bias": False}, "Depth"),
        ({"groups": 2}, "Conv2D"),
        ({"groups": 4, "strides": (1, 2)}, "Conv2D"),
    ],
)
def test_a_convolution_of_one_group_per_channel_is_depthwise(options, kind):
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Conv2D(8, 3, padding="same", **options, name="groups")(x)
    x = keras.layers.BatchNormalization()(x)
    model = networks.lively(
        keras.Model(image, kt.heads.LinearHead(3, dropout=0.2)(x))
    )
    result = inference_graph(model)
    # What an activation separates is not folded.
    assert result.folded == ("activation" not in options)
    groups = type(result.model.get_layer("groups")).__name__
    assert groups.startswith(kind)
    assert_near(model, result.model)


def test_a_network_of_depthwise_groups_is_exported_to_onnx(
    classifier, tmp_path
):
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 5, groups=3)(image)
    exported = kt.export(classifier(keras.Model(image, x)), tmp_path / "m.onnx")
    assert exported.trial.difference < 1e-4
