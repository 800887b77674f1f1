"""Loading that trusts nothing; the corpus is in `archive/test_hostile.py`."""

import hashlib
import json
import pickle
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import archive
from keras_transfer.saving.archive import own_objects
from keras_transfer.saving.archive import versions
from keras_transfer.structure import model_info

from .archive.model_files import Parts


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="There is no model file"):
        kt.load_model(tmp_path / "missing.keras")


def test_an_hdf5_file_is_refused_with_the_command(tmp_path):
    with pytest.raises(
        kt.ModelFileError,
        match=r"is an HDF5 file.*Run `keras-transfer convert .*m\.h5 m\.keras`",
    ):
        kt.load_model(tmp_path / "m.h5")


def test_a_truncated_file_is_refused(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(kt.ModelFileError, match="damaged, truncated"):
        kt.load_model(path)


def test_the_file_must_have_the_digest_that_was_asked_for(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    kt.load_model(path, sha256=digest.upper())
    with pytest.raises(
        kt.ModelFileError, match=f"has the sha256 {digest}; expected 00"
    ):
        kt.load_model(path, sha256="0" * 64)


def test_a_folder_has_no_digest(tmp_path):
    with pytest.raises(kt.ModelFileError, match="a folder, which has no sha"):
        kt.load_model(tmp_path, sha256="0" * 64)


def test_a_folder_with_a_link_is_refused(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        file.extractall(tmp_path / "m")
    kt.load_model(tmp_path / "m")
    (tmp_path / "m" / "assets").symlink_to(tmp_path)
    with pytest.raises(kt.ModelFileError, match="holds the link 'assets'"):
        kt.load_model(tmp_path / "m")


def test_what_was_checked_is_what_is_loaded(tiny_model, tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    load = keras.saving.load_model

    def after_an_attack(folder, **options):
        path.write_bytes(b"something else")
        return load(folder, **options)

    monkeypatch.setattr(keras.saving, "load_model", after_an_attack)
    model = kt.load_model(path)
    x = np.ones((1, 32, 32, 3))
    np.testing.assert_array_equal(model(x), tiny_model(x))


def test_nothing_stays_behind(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    kt.load_model(path)
    path.with_name("n.keras").write_bytes(path.read_bytes()[:-1])
    with pytest.raises(kt.ModelFileError):
        kt.load_model(path.with_name("n.keras"))
    assert {p.name for p in tmp_path.iterdir()} == {"m.keras", "n.keras"}


def test_the_flag_of_every_layer_comes_back(tmp_path):
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(4)],
        name="inner",
    )
    model = keras.Sequential(
        [keras.Input((4,)), inner, keras.layers.Dense(1, name="top")]
    )
    inner.trainable = False
    inner.layers[1].trainable = True
    model.save(tmp_path / "m.keras")
    # What Keras forgets.
    assert keras.saving.load_model(tmp_path / "m.keras").layers[0].trainable
    loaded = kt.load_model(tmp_path / "m.keras")
    assert loaded.layers[0].trainable is False
    flags = [layer.trainable for layer in loaded.layers[0].layers]
    assert flags == [False, True]
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


@keras.saving.register_keras_serializable("tests", "AlwaysOpen")
class AlwaysOpen(keras.layers.Layer):
    trainable = property(lambda self: True, lambda self, value: None)

    def call(self, inputs):
        return inputs


def test_a_flag_that_a_layer_does_not_take_is_told(tmp_path):
    model = keras.Sequential([keras.Input((4,)), AlwaysOpen(name="open")])
    model.save(tmp_path / "m.keras")
    parts = Parts(tmp_path / "m.keras")
    parts.layer("open")["config"]["trainable"] = False
    parts.write(tmp_path / "m.keras")
    with pytest.raises(kt.ModelFileError, match="trainable=False.*'open'"):
        kt.load_model(tmp_path / "m.keras")


def written_by(version, model, path):
    model.save(path)
    parts = Parts(path)
    metadata = json.loads(parts.members["metadata.json"])
    metadata["keras_version"] = version
    parts.members["metadata.json"] = json.dumps(metadata).encode()
    return parts


def test_a_later_keras_is_a_warning_where_it_can_be_read(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    written_by("99.1.0", tiny_model, path).write(path)
    with pytest.warns(UserWarning, match=r"Keras 99\.1\.0, which is newer"):
        kt.load_model(path)


def test_a_later_keras_explains_a_failure(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    parts = written_by("99.1.0", tiny_model, path)
    parts.layer("conv_1")["config"]["mind_reading"] = True
    parts.write(path)
    with pytest.raises(
        kt.ModelFileError,
        match=r"was written by Keras 99\.1\.0 and cannot be read by 3\..*"
        "pip install -U keras",
    ):
        kt.load_model(path)


@pytest.mark.parametrize("version", [None, 3, "", "x", "3", [], "3.0.0"])
def test_other_versions_are_no_later_ones(version):
    assert not versions.is_newer(version, "3.15.1")


def test_the_schema_is_the_one_of_model_info():
    assert versions.SCHEMA == model_info.SCHEMA


def test_our_registered_names_are_known_without_keras():
    registered = keras.saving.get_custom_objects()
    ours = {n for n in registered if n.startswith("keras_transfer>")}
    assert ours == own_objects.REGISTERED


def test_the_error_survives_pickling():
    error = archive.ModelFileError("is empty.", "Save it again.", "m.keras")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert str(error) == "The model file 'm.keras' is empty. Save it again."


def test_looking_imports_neither_keras_nor_a_plugin(tiny_model, tmp_path):
    import subprocess

    path = tmp_path / "m.keras"
    tiny_model.save(path)
    hostile = tmp_path / "hostile.keras"
    parts = Parts(path)
    parts.config["compile_config"] = {"loss": {"class_name": "__lambda__"}}
    parts.write(hostile)
    code = (
        "import sys; from keras_transfer.cli import main\n"
        f"assert main(['check', {str(hostile)!r}]) == 1\n"
        f"assert main(['inspect', {str(path)!r}]) == 0\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)\n"
        # A provider is asked for its names, which is no use of its plugin.
        "used = {m.rpartition('.')[2] for m in sys.modules"
        " if m.startswith('keras_transfer_')}"
        " - {'keras_transfer_kecam', 'catalogue', 'provided'}\n"
        "assert not heavy and not used, (heavy, used)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_was_frozen_can_be_opened_and_trained(tiny_model, tmp_path):
    kt.freeze(tiny_model)
    kt.save_model(tiny_model, tmp_path / "m.keras")
    model = kt.load_model(tmp_path / "m.keras")
    kt.set_trainable(model, ["backbone", "head"])
    kt.compile_for_transfer(model, "sgd", learning_rate=0.1)
    before = [w.numpy() for w in model.trainable_weights]
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    model.fit(images, np.array([0, 1, 0, 1]), verbose=0)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        # Normalization makes the bias before it irrelevant.
        if not weight.path.endswith("/bias") or "conv" not in weight.path:
            assert (weight.numpy() != old).any(), weight.path
