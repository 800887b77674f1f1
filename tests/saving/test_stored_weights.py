"""A file may hold a publisher's classifier, and nothing else too much."""

import h5py
import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import weights
from tests.conftest import build_tiny

pytestmark = pytest.mark.filterwarnings("ignore:.*HDF5 file.*:UserWarning")


def with_classifier(backbone, **more):
    x = keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    for name, units in {"predictions": 5, **more}.items():
        x = keras.layers.Dense(units, name=name)(x)
    return keras.Model(backbone.input, x)


@pytest.fixture
def source():
    model = build_tiny()
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0, 1, w.shape) for w in model.weights])
    return model


@pytest.fixture
def published(source, tmp_path):
    path = tmp_path / "whole.h5"
    with_classifier(source).save(path)
    return path


def assert_equal(model, source):
    for received, expected in zip(
        model.get_weights(), source.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_a_declared_classifier_is_left_out(source, published):
    model = build_tiny()
    weights.load_weights(model, published, classifier=("predictions",))
    assert_equal(model, source)


def test_files_of_weights_alone_are_read_likewise(source, published, tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(published) as whole, h5py.File(path, "w") as file:
        for name in whole["model_weights"]:
            whole["model_weights"].copy(name, file)
        file.attrs.update(whole["model_weights"].attrs)
    model = build_tiny()
    weights.load_weights(model, path, classifier=("predictions",))
    assert_equal(model, source)


def test_a_file_without_classifier_needs_no_names(source, tmp_path):
    source.get_layer("conv_1").name = "another_name"
    source.save(tmp_path / "features.h5")
    model = build_tiny()
    weights.load_weights(
        model, tmp_path / "features.h5", classifier=("predictions",)
    )
    assert_equal(model, source)


def test_a_classifier_that_is_not_declared_is_refused(published):
    model = build_tiny()
    before = build_tiny()
    before.set_weights(model.get_weights())
    with pytest.raises(ValueError, match="not in the model 2, such as"):
        weights.load_weights(model, published)
    assert_equal(model, before)


def test_what_is_neither_classifier_nor_backbone_is_refused(source, tmp_path):
    with_classifier(source, adapter=7).save(tmp_path / "more.h5")
    with pytest.raises(
        ValueError, match=r"not in the model 2, .*left out: \['predictions'\]"
    ):
        weights.load_weights(
            build_tiny(), tmp_path / "more.h5", classifier=("predictions",)
        )


def test_layers_of_equal_shape_and_other_names_are_refused(source, tmp_path):
    source.get_layer("bn_2").name = "norm_2"
    with_classifier(source).save(tmp_path / "renamed.h5")
    model = build_tiny()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"it has no layers named \['bn_2'\]"):
        weights.load_weights(
            model, tmp_path / "renamed.h5", classifier=("predictions",)
        )
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_backbone_says_what_its_files_hold_beside_it(source, published):
    spec = kt.BackboneSpec(
        build_tiny, "my/tiny", default_size=32, classifier=("predictions",)
    )
    assert_equal(kt.create_backbone(spec, weights=published), source)


def test_a_classifier_given_as_one_name_is_refused():
    with pytest.raises(TypeError, match=r"Write \('predictions',\)"):
        kt.BackboneSpec(build_tiny, classifier="predictions")
