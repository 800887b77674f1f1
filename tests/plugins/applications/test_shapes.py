"""Inputs that Keras's factories refuse or warn of, and cuts."""

import keras
import numpy as np
import pytest

import keras_transfer as kt

# Of the other families too with `pytest -m slow`.
QUICK = ["efficientnet_b0", "mobilenet_v3_small", "vgg16"]
ONE_OF_EACH = [
    *QUICK,
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            "convnext_tiny",
            "densenet121",
            "efficientnet_v2_b0",
            "inception_v3",
            "mobilenet",
            "mobilenet_v2",
            "resnet50",
            "resnet50_v2",
            "xception",
        )
    ),
]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_an_open_size_takes_images_of_any(name):
    backbone = kt.create_backbone(
        name, weights=None, input_shape=(None, None, 3)
    )
    assert backbone.input_shape == (None, None, None, 3)
    features = backbone(np.zeros((1, 96, 128, 3), "float32"))
    assert len(features.shape) == 4
    assert features.shape[1] < features.shape[2]


@pytest.mark.parametrize("shape", [(None, None, 3), (96, None, 3)])
@pytest.mark.parametrize("name", ["nasnet_mobile", "nasnet_large"])
def test_an_open_size_of_nasnet_is_refused(name, shape):
    with pytest.raises(ValueError, match="needs images of one size"):
        kt.create_backbone(name, weights=None, input_shape=shape)


@pytest.mark.parametrize(
    "channels", [1, pytest.param(4, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", [*ONE_OF_EACH, "nasnet_mobile"])
def test_images_may_have_other_channels(name, channels):
    backbone = kt.create_backbone(
        name, weights=None, input_shape=(96, 96, channels)
    )
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    assert model(np.zeros((1, 96, 96, channels), "uint8")).shape == (1, 2)


def test_inception_is_cut_for_real():
    backbone = kt.create_backbone(
        "inception_v3",
        weights=None,
        input_shape=(150, 150, 3),
        cut_at="mixed7",
    )
    assert backbone.count_params() == 8_975_264
    assert backbone.output_shape == (None, 7, 7, 768)
    assert [stage.last_layer for stage in kt.stages_of(backbone)] == [
        "activation_2",
        "activation_4",
        "mixed2",
        "mixed7",
    ]


def test_efficientnet_keeps_its_statistics_when_it_is_cut(tmp_path):
    shape = (32, 32, 3)
    full = kt.create_backbone(
        "efficientnet_b0", weights=None, input_shape=shape
    )
    layer = full.get_layer("normalization")
    layer.set_weights(
        [
            np.array([0.485, 0.456, 0.406]),
            np.array([0.2, 0.3, 0.4]),
            np.array(0),
        ]
    )
    layer.finalize_state()
    full.save_weights(tmp_path / "b0.weights.h5")
    cut = kt.create_backbone(
        "efficientnet_b0",
        weights=tmp_path / "b0.weights.h5",
        input_shape=shape,
        cut_at="stem",
    )
    images = (
        np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32")
    )
    stem = keras.Model(full.input, full.get_layer("block1a_project_bn").output)
    np.testing.assert_array_equal(
        np.asarray(cut(images)), np.asarray(stem(images))
    )


def test_names_are_the_same_whatever_was_built_before():
    def names():
        backbone = kt.create_backbone(
            "inception_v3", weights=None, input_shape=(75, 75, 3)
        )
        return [layer.name for layer in backbone.layers]

    first = names()
    keras.layers.Conv2D(1, 1)
    assert names() == first
    assert first[:3] == ["input_layer", "conv2d", "batch_normalization"]


def test_published_efficientnet_files_hold_deviations(tmp_path, monkeypatch):
    """What Keras makes of its file with one more layer, we compute without."""
    shape = (32, 32, 3)
    reference = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=shape
    )
    # Its name counts those that other tests have built.
    (normalization,) = (
        layer
        for layer in reference.layers
        if isinstance(layer, keras.layers.Normalization)
    )
    normalization.set_weights(
        [
            np.array([0.485, 0.456, 0.406]),
            np.array([0.2, 0.3, 0.4]),
            np.array(0),
        ]
    )
    published = tmp_path / "b0.weights.h5"
    reference.save_weights(published)
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file",
        lambda *arguments, **options: str(published),
    )
    expected = keras.applications.EfficientNetB0(
        include_top=False, weights="imagenet", input_shape=shape
    )
    backbone = kt.create_backbone(
        "efficientnet_b0", weights=published, input_shape=shape
    )
    kt.get_backbone("efficientnet_b0").weights["imagenet"].finish(backbone)
    images = np.random.default_rng(0).uniform(0, 255, (2, *shape))
    np.testing.assert_allclose(
        backbone.predict(images, verbose=0),
        expected.predict(images, verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )


def test_without_weights_efficientnet_is_what_keras_builds():
    shape = (32, 32, 3)
    reference = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=shape
    )
    backbone = kt.create_backbone(
        "efficientnet_b0", weights=None, input_shape=shape
    )
    backbone.set_weights(reference.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, *shape))
    np.testing.assert_array_equal(
        backbone.predict(images, verbose=0),
        reference.predict(images, verbose=0),
    )
