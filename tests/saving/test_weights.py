"""Weights files: all of one is loaded, or nothing."""

import h5py
import keras
import numpy as np
import pytest

from keras_transfer.saving import weights
from tests.conftest import build_tiny


def values(model):
    return [keras.ops.convert_to_numpy(w).copy() for w in model.weights]


def assert_unchanged(model, before):
    for old, weight in zip(before, model.weights, strict=True):
        assert np.array_equal(old, keras.ops.convert_to_numpy(weight))


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.keras"])
@pytest.mark.filterwarnings("ignore:.*HDF5 file.*:UserWarning")
def test_every_format_of_keras_is_read(tmp_path, name):
    source, target = build_tiny(), build_tiny()
    path = tmp_path / name
    source.save_weights(path) if ".weights." in name else source.save(path)
    weights.load_weights(target, path)
    assert_unchanged(target, values(source))


@pytest.mark.parametrize(
    "other", [{"width": 5}, {"input_shape": (32, 32, 1)}], ids=str
)
def test_a_file_that_does_not_fit_changes_no_variable(tmp_path, other):
    path = tmp_path / "w.weights.h5"
    build_tiny(**other).save_weights(path)
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match="another architecture.*unchanged"):
        weights.load_weights(model, path)
    assert_unchanged(model, before)


def test_a_file_with_more_layers_than_the_model_is_refused(tmp_path):
    backbone = build_tiny()
    larger = keras.Model(
        backbone.input, keras.layers.Dense(7, name="more")(backbone.output)
    )
    larger.save_weights(tmp_path / "w.weights.h5")
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match=r"not in the model 2, such as"):
        weights.load_weights(model, tmp_path / "w.weights.h5")
    assert_unchanged(model, before)


def test_a_file_that_fails_halfway_is_undone(tmp_path):
    """Shapes agree as a whole, but the last layers hold each other's."""
    path = tmp_path / "w.weights.h5"
    build_tiny().save_weights(path)
    with h5py.File(path, "r+") as file:
        layers = file["layers"]
        layers.move("conv2d_1", "swap")
        layers.move("conv2d_2", "conv2d_1")
        layers.move("swap", "conv2d_2")
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match="does not fit the model 'tiny'"):
        weights.load_weights(model, path)
    assert_unchanged(model, before)
