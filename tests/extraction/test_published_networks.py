"""Extraction from the deep networks that people use, nested in a classifier."""

import keras
import numpy as np
import pytest

import keras_transfer as kt

NETWORKS = {
    "vgg16": ((32, 32, 3), [f"block{n}_pool" for n in (1, 2, 3, 4, 5)]),
    "resnet50": (
        (32, 32, 3),
        [
            "conv1_relu",
            "conv2_block3_out",
            "conv3_block4_out",
            "conv4_block6_out",
            "conv5_block3_out",
        ],
    ),
    "davit_t": (
        (64, 64, 3),
        [
            "stack1_block2_2_output",
            "stack2_block2_2_output",
            "stack3_block6_2_output",
            "pre_output_ln",
        ],
    ),
}


def unchanged(images):
    """No preprocessing: the backbone alone is the reference."""
    return images


@pytest.mark.parametrize("name", NETWORKS)
def test_all_levels_of_a_nested_network_come_out_at_once(name, tmp_path):
    shape, layers = NETWORKS[name]
    backbone = kt.create_backbone(name, weights=None, input_shape=shape)
    model = kt.build_model(
        backbone, kt.heads.LinearHead(2), preprocessing=unchanged
    )
    config = model.get_config()
    paths = [f"{backbone.name}/{layer}" for layer in layers]
    extractor = kt.build_extractor(model, [*paths, "head"])
    assert extractor.mode == "graph"
    assert kt.build_extractor(model, [*paths, "head"]) is extractor

    images = np.random.default_rng(0).uniform(0, 255, (2, *shape))
    images = images.astype("float32")
    found = extractor(images)
    reference = keras.Model(
        backbone.input, [backbone.get_layer(la).output for la in layers]
    )
    for path, expected in zip(paths, reference(images), strict=True):
        np.testing.assert_array_equal(found[path], expected)
    np.testing.assert_array_equal(found["head"], model(images))

    own = {id(weight) for weight in model.weights}
    assert {id(weight) for weight in extractor.weights} == own
    assert model.get_config() == config
    extractor.save(tmp_path / "extractor.keras")
    loaded = keras.saving.load_model(tmp_path / "extractor.keras")
    for key, value in loaded(images).items():
        np.testing.assert_array_equal(value, found[key])
