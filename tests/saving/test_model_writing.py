"""Whole files or none, whatever goes wrong while they are written."""

import json
import os
import resource
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import model_archive
from keras_transfer.saving import portable_config


def dense(units=300, **options):
    return keras.Sequential(
        [keras.Input((300,)), keras.layers.Dense(units, **options)]
    )


def test_a_full_disk_keeps_the_old_file(tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(dense(2), path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file may grow to half of what is needed, as if the disk were full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (180_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            kt.save_model(dense(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.keras"]


class Truncated(keras.Sequential):
    """Stands for a disk that loses what it was given."""

    def save(self, path):
        super().save(path)
        with open(path, "r+b") as file:
            file.seek(-2000, os.SEEK_END)
            file.write(bytes(1000))


def test_what_cannot_be_read_back_is_not_kept(tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(dense(2), path)
    before = path.read_bytes()
    broken = Truncated([keras.Input((300,)), keras.layers.Dense(300)])
    with pytest.raises(OSError, match="cannot be read back.*is unchanged"):
        kt.save_model(broken, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value, tmp_path):
    model = dense(2)
    model.weights[1].assign([0, value])
    with pytest.raises(ValueError, match="'.*/bias' of .* NaN or infinity"):
        kt.save_model(model, tmp_path / "m.keras")
    assert not os.listdir(tmp_path)
    kt.save_model(model, tmp_path / "m.keras", allow_non_finite=True)
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"no archive at all",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    ],
    ids=["empty", "text", "half", "one bit"],
)
def test_damage_is_noticed(damage, tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(dense(), path)
    assert model_archive.fault_of(path) is None
    path.write_bytes(damage(path.read_bytes()))
    assert model_archive.fault_of(path)


def test_a_portable_file_is_the_same_model(tmp_path, tiny_model):
    stock = kt.to_stock(tiny_model)
    stock.compile("adam", "sparse_categorical_crossentropy")
    stock.optimizer.build(stock.trainable_variables)
    path = tmp_path / "m.keras"
    kt.save_model(stock, path, portable=True)
    config = model_archive.read_config(path)
    text = json.dumps(config)
    # What 3.14 and 3.12 do not know, and what has to stay.
    assert "input_axes" not in text
    assert "renorm" not in text
    assert '"epsilon": 0.001' in text
    assert config["compile_config"]["loss"]
    loaded = keras.saving.load_model(path)
    assert (
        model_archive.as_stored(loaded)["config"]
        == (model_archive.as_stored(stock)["config"])
    )
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    np.testing.assert_array_equal(
        loaded.predict(x, verbose=0), stock.predict(x, verbose=0)
    )


def test_a_portable_file_leaves_our_optimizer_out(tmp_path, tiny_model):
    stock = kt.compile_for_transfer(kt.to_stock(tiny_model))
    kt.save_model(stock, tmp_path / "m.keras", portable=True)
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert b"keras_transfer>" not in archive.read("config.json")
    assert not keras.saving.load_model(tmp_path / "m.keras").compiled


def test_a_portable_file_holds_no_layers_of_ours(tmp_path, tiny_model):
    with pytest.raises(
        ValueError, match=r"'LinearHead', 'ModelInfo'.*to_stock"
    ):
        kt.save_model(tiny_model, tmp_path / "m.keras", portable=True)
    assert not os.listdir(tmp_path)


def test_arguments_that_are_on_stay():
    layer = keras.layers.BatchNormalization(renorm=True, epsilon=0.5)
    config = keras.saving.serialize_keras_object(layer)
    short = portable_config.without_defaults(config)["config"]
    assert short["renorm"] is True
    assert short["renorm_momentum"] == 0.99
    assert short["epsilon"] == 0.5
    assert short["momentum"] == 0.99
