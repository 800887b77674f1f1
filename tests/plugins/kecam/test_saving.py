"""Saved models: of stock layers without kecam, others with it on demand."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.plugins.kecam import values

# Loads a file in a process in which some packages are not installed.
LOAD = """
import sys
hidden = {hidden!r}
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in hidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hider())
import importlib.metadata as metadata
found = metadata.distribution
def distribution(name):
    if name.replace("-", "_") in hidden:
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.distribution = distribution
import keras, numpy
{first}
with numpy.load({data!r}) as stored:
    images, expected = stored["images"], stored["expected"]
model = keras.saving.load_model({model!r})
assert numpy.array_equal(numpy.asarray(model(images)), expected)
print("kecam read:", any("keras_transfer_kecam" in m for m in sys.modules))
"""
KECAM = ("keras_cv_attention_models", "kecam")


def build(name):
    model = kt.build_model(
        kt.create_backbone(
            f"kecam/{name}", weights=None, input_shape=(64, 64, 3)
        ),
        kt.heads.LinearHead(2),
        class_names=["a", "b"],
    )
    values.fill(model.get_layer(name))
    return model


def load_elsewhere(folder, model, hidden, first):
    path, data = folder / "model.keras", folder / "data.npz"
    model.save(path)
    images = 50 + 40 * values.images(model.input_shape[1])
    np.savez(data, images=images, expected=np.asarray(model(images)))
    code = LOAD.format(
        hidden=hidden, first=first, model=str(path), data=str(data)
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_model_of_stock_layers_needs_neither_kecam_nor_the_plugin(tmp_path):
    model = build("lcnet_050")
    with_head = load_elsewhere(
        tmp_path,
        model,
        (*KECAM, "keras_transfer_kecam"),
        "import keras_transfer",
    )
    assert with_head.returncode == 0, with_head.stderr
    features = load_elsewhere(
        tmp_path,
        model.get_layer("lcnet_050"),
        (*KECAM, "keras_transfer_kecam", "keras_transfer"),
        "",
    )
    assert features.returncode == 0, features.stderr
    assert features.stdout.strip() == "kecam read: False"


def test_kecam_s_own_layers_are_found_when_a_file_needs_them(tmp_path):
    model = build("vit_tiny_patch16")
    loaded = load_elsewhere(tmp_path, model, (), "import keras_transfer")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "kecam read: True"
    missing = load_elsewhere(tmp_path, model, KECAM, "import keras_transfer")
    assert missing.returncode == 1
    sentence = missing.stderr.strip().splitlines()[-1]
    assert "needs keras-cv-attention-models, which is not installed" in sentence
    assert "Run `pip install 'keras-transfer[kecam]'`." in sentence


def test_registered_names_do_not_change(tmp_path):
    """They stand in files that must be readable in years."""
    model = build("vit_tiny_patch16").get_layer("vit_tiny_patch16")
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))
    names = {layer["registered_name"] for layer in config["config"]["layers"]}
    assert {name for name in names if name and name.startswith("kecam")} == {
        "kecam.beit>PatchConv2DWithResampleWeights",
        "kecam.volo>ClassToken",
        "kecam.volo>PositionalEmbedding",
    }


@pytest.mark.parametrize(
    "name",
    ["kecam.beit>HeadInitializer", "kecam.swin_transformer_v2>ExpLogitScale"],
)
def test_declared_classes_can_be_found(name):
    found = keras.saving.get_registered_object(name)
    real = getattr(found, "real", found)
    assert keras.saving.get_registered_name(real) == name
