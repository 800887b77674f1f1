"""`inspect`, `check`, `convert`: model files on the command line."""

import hashlib
import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from keras_transfer.saving.legacy_h5 import load_h5
from tests.saving.archive.model_files import Parts
from tests.saving.archive.model_files import write_model


@pytest.fixture
def path(tmp_path):
    write_model(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def test_inspect_tells_what_is_in_a_file(path, capsys):
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    model = kt.load_model(path)
    assert found["class_names"] == ["ant", "bee"]
    assert found["input"]["shape"] == [8, 8, 3]
    assert found["parameters"] == model.count_params()
    assert found["saved"]["keras"] == keras.__version__
    # Rescaling has a flag as well, convolution and normalization have weights.
    assert found["frozen_layers"] == 3
    assert set(found["classes"].values()) == {"keras-transfer"}
    assert found["missing"] == {}


def test_inspect_draws_a_table(path, capsys):
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "2: ant, bee" in out
    assert "none needed" in out


def test_inspect_names_what_is_not_installed(path, capsys):
    parts = Parts(path)
    parts.add_layer(
        module="nets.layers",
        class_name="Scale",
        registered_name="my_nets>Scale",
        config={"name": "scale"},
    )
    owner = {"distribution": "my-nets", "version": "1.2"}
    metadata = parts.layer("model_info")["config"]["metadata"]
    metadata["classes"] = {"my_nets>Scale": owner}
    metadata["class_names"] = ["\x1b[2J", "bee"]
    parts.write(path)
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "my-nets (not installed)" in out
    assert "\x1b" not in out
    assert main(["check", str(path)]) == 1
    assert "Run `pip install my-nets` if" in capsys.readouterr().out


def test_inspect_refuses_a_hostile_file(path, capsys):
    Parts(path).write(path)
    parts = Parts(path)
    parts.members["../x"] = b""
    parts.write(path)
    assert main(["inspect", str(path)]) == 2
    assert "holds the member '../x'" in capsys.readouterr().err


def test_check_tells_sound_files_from_others(path, tmp_path, capsys):
    assert main(["check", str(path)]) == 0
    assert "is sound" in capsys.readouterr().out
    other = tmp_path / "n.keras"
    other.write_bytes(path.read_bytes()[:-5])
    assert main(["check", str(path), str(other)]) == 1
    sound, damaged = capsys.readouterr().out.splitlines()
    assert "m.keras' is sound" in sound
    assert "n.keras' is damaged" in damaged


def test_check_compares_the_digest(path, capsys):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert main(["check", str(path), "--sha256", digest]) == 0
    assert main(["check", str(path), "--sha256", "0" * 64]) == 1
    assert f"has the sha256 {digest}" in capsys.readouterr().out
    assert main(["check", str(path), str(path), "--sha256", digest]) == 2
    assert "--sha256 is of one file" in capsys.readouterr().err


@pytest.mark.filterwarnings("default:The model was saved by Keras")
def test_check_tells_of_a_later_keras(path, capsys):
    parts = Parts(path)
    parts.members["metadata.json"] = b'{"keras_version": "99.0.0"}'
    parts.write(path)
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr()
    assert "is sound" in said.out
    assert "saved by Keras 99.0.0, which is newer" in said.err


def test_check_names_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["check", str(tmp_path / "m.keras")]) == 2
    assert "There is no model file" in capsys.readouterr().err


@pytest.fixture
def partly_frozen():
    """A model that Keras cannot load from `.h5` with its weights in place."""
    layers = keras.layers
    backbone = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 3, padding="same", use_bias=False, name="a"),
            layers.Conv2D(3, 3, padding="same", use_bias=False, name="b"),
            layers.Conv2D(3, 3, padding="same", use_bias=False, name="c"),
        ],
        name="backbone",
    )
    backbone.trainable = False
    backbone.layers[-1].trainable = True
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            backbone,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="top"),
        ]
    )


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_convert_puts_each_weight_in_its_place(partly_frozen, tmp_path, capsys):
    h5, out = tmp_path / "m.h5", tmp_path / "m.keras"
    partly_frozen.save(h5)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    expected = np.asarray(partly_frozen(x))
    # What Keras makes of it, in silence.
    wrong = keras.saving.load_model(h5, compile=False)
    assert np.abs(np.asarray(wrong(x)) - expected).max() > 0.01
    assert main(["convert", str(h5), str(out)]) == 0
    assert "each weight assigned by its name" in capsys.readouterr().out
    converted = kt.load_model(out)
    np.testing.assert_array_equal(np.asarray(converted(x)), expected)
    trained = len(partly_frozen.trainable_variables)
    assert len(converted.trainable_variables) == trained


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_convert_reads_models_of_ours(tmp_path):
    model = write_model(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    x = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    loaded = load_h5(tmp_path / "m.h5")
    np.testing.assert_array_equal(loaded(x), model(x))


def test_convert_names_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["convert", str(tmp_path / "m.h5"), "m.keras"]) == 2
    assert "There is no model file" in capsys.readouterr().err
    with pytest.raises(ValueError, match="There is no model file"):
        load_h5(tmp_path / "m.h5")


def rewritten(path, change):
    import h5py

    with h5py.File(path, "a") as file:
        change(file)
    return path


def renamed(file):
    group = file["model_weights/top"]
    names = [str(name) for name in group.attrs["weight_names"].astype(str)]
    other = [name.replace("kernel", "other") for name in names]
    group.move(names[0], other[0])
    group.attrs["weight_names"] = [name.encode() for name in other]


def repeated(file):
    group = file["model_weights/top"]
    group.attrs["weight_names"] = [group.attrs["weight_names"][0]] * 2


def config_with(text):
    def change(file):
        config = file.attrs["model_config"].replace(*text)
        file.attrs["model_config"] = config

    return change


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.attrs.__delitem__("model_config"), "and no model"),
        (lambda f: f.attrs.__setitem__("model_config", "{"), "holds no JSON"),
        (lambda f: f.__delitem__("model_weights"), "weights without a model"),
        (config_with(('"Dense"', '"Lambda"')), "holds a Lambda layer"),
        (config_with(('"Dense"', '"my>Dense"')), "needs the class 'my>Dense'"),
        (config_with(('"units": 2', '"units": -2')), "cannot be read by Keras"),
        (config_with(('"units": 2', '"units": 5')), "stores .* in shape"),
        (config_with(('"name": "top"', '"name": "t"')), "on the layers"),
        (renamed, "disagree on the weights"),
        (repeated, "names weights of 'top' alike"),
    ],
)
def test_convert_refuses(partly_frozen, tmp_path, change, sentence):
    path = tmp_path / "m.h5"
    partly_frozen.save(path)
    with pytest.raises(kt.ModelFileError, match=sentence):
        load_h5(rewritten(path, change))


def test_convert_refuses_what_is_no_hdf5(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"nothing of the kind")
    with pytest.raises(kt.ModelFileError, match="holds damaged weights"):
        load_h5(tmp_path / "m.h5")
