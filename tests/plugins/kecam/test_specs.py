"""Specifications: preprocessing, sizes, what is said of a model."""

import numpy as np
import pytest
from keras_transfer_kecam import catalogue
from keras_transfer_kecam import specs
from keras_transfer_kecam import upstream

import keras_transfer as kt


def test_preprocessing_of_every_model_is_kecam_s_own():
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    images = images.astype("float32")
    statistics = upstream.module("common_layers").init_mean_std_by_rescale_mode
    expected = {}
    for mode in ("torch", "tf", "raw01"):
        mean, deviation = statistics(mode)
        expected[mode] = (images - mean) / deviation
    models = catalogue.models()
    assert {model.preprocessing for model in models.values()} == set(expected)
    for model in models.values():
        ours = specs.specification(model).preprocessing(images)
        np.testing.assert_allclose(
            ours, expected[model.preprocessing], atol=1e-5, err_msg=model.name
        )


def test_a_size_that_the_architecture_refuses_is_one_sentence():
    sentence = (
        "The backbone 'kecam/volo_d1' cannot take images of any size: pass "
        r"input_shape=\(224, 224, 3\), for which it was made"
    )
    with pytest.raises(ValueError, match=sentence):
        kt.create_backbone(
            "kecam/volo_d1", weights=None, input_shape=(None, None, 3)
        )


def test_a_model_that_fails_says_why(monkeypatch):
    failed = catalogue.Result("fails", 0, "", 0, (), (), "no such operation")
    results = {**catalogue.results(), "davit_l": failed}
    monkeypatch.setattr(catalogue, "results", lambda: results)
    spec = specs.specification(catalogue.models()["davit_l"])
    assert spec.description == (
        "davit of keras-cv-attention-models; does not work on Keras 3: no "
        "such operation"
    )
    with pytest.raises(ValueError, match="work on Keras 3: no such operation"):
        kt.create_backbone(spec, weights=None)


def test_what_was_too_large_to_be_tried_may_still_be_built(monkeypatch):
    untried = catalogue.Result("too large", 0, "", 0, (), (), "too many")
    results = {**catalogue.results(), "lcnet_050": untried}
    monkeypatch.setattr(catalogue, "results", lambda: results)
    spec = specs.specification(catalogue.models()["lcnet_050"])
    assert spec.description.endswith("; not tried on Keras 3: too many")
    kt.create_backbone(spec, weights=None, input_shape=(32, 32, 3))


def test_what_saved_files_need_is_said():
    stock = kt.get_backbone("kecam/aotnet50").description
    assert stock.endswith("its saved files need Keras alone")
    own = kt.get_backbone("kecam/vit_tiny_patch16").description
    assert own.endswith("its saved files need keras-transfer[kecam]")


def test_blocks_may_be_skipped_in_training():
    spec = kt.get_backbone("kecam/lcnet_050")
    assert spec.options == {"drop_connect_rate": 0.0}
    plain = kt.create_backbone(spec, weights=None, input_shape=(64, 64, 3))
    dropping = kt.create_backbone(
        "kecam/davit_t",
        weights=None,
        input_shape=(64, 64, 3),
        drop_connect_rate=0.2,
    )
    assert not any("drop" in op.name for op in plain.operations)
    assert any("drop" in op.name for op in dropping.operations)


def test_an_attribute_that_is_no_model_is_missing():
    with pytest.raises(AttributeError, match="has no attribute 'davit_x'"):
        _ = specs.davit_x
    assert "davit_t" in dir(specs)


@pytest.mark.slow
def test_combined_class_tokens_are_a_vector():
    backbone = kt.create_backbone(
        "kecam/coat_tiny", weights=None, input_shape=(64, 64, 3)
    )
    assert backbone.output_shape == (None, 152)
    model = kt.build_model(backbone, kt.heads.LinearHead(3))
    assert model.output_shape == (None, 3)
