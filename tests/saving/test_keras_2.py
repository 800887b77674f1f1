"""Files of Keras 2, written by it, compute the same in Keras 3."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving.legacy_h5 import load_h5

pytest.importorskip("tf_keras")
WRITER = pathlib.Path(__file__).parent / "keras_2_writer.py"
QUICK = [
    "mobilenet_v2.h5",
    "mobilenet_v3.h5",
    "flat.h5",
    "sequential.h5",
    "teachable.h5",
    "tutorial.h5",
    "caffe.h5",
    "shared.h5",
    "dictionary.h5",
    "convolutions.h5",
    "recurrent.h5",
    "functions.h5",
]
KERAS_2_FORMAT = ["sequential.keras", "shared.keras", "convolutions.keras"]
LARGE = [
    f"{name}.h5"
    for name in (
        "mobilenet efficientnet efficientnet_v2 resnet50 resnet50_v2 densenet "
        "inception xception vgg16 convnext nasnet regnet"
    ).split()
]


def write(folder, names):
    subprocess.run(
        [sys.executable, os.fspath(WRITER), os.fspath(folder), *names],
        check=True,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras_2")
    write(folder, QUICK + KERAS_2_FORMAT)
    return folder


def check_equal(path):
    model = load_h5(path) if path.suffix == ".h5" else kt.load_model(path)
    values = np.load(path.with_suffix(".npz"))
    x = [values[f"x{i}"] for i in range(len(model.inputs))]
    outputs = model(x if len(x) > 1 else x[0], training=False)
    outputs = keras.tree.flatten(outputs)
    expected = [values[key] for key in sorted(values) if key[0] == "y"]
    assert len(outputs) == len(expected)
    for received, wanted in zip(outputs, expected, strict=True):
        assert np.abs(wanted).max() > 1e-3
        received = keras.ops.convert_to_numpy(received)
        np.testing.assert_allclose(received, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", QUICK + KERAS_2_FORMAT)
def test_a_file_of_keras_2_computes_the_same(written, name):
    check_equal(written / name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_an_application_of_keras_2_computes_the_same(tmp_path, name):
    write(tmp_path, [name])
    check_equal(tmp_path / name)


def change_config(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(change(config) or config)


def entries(item):
    if isinstance(item, dict):
        yield item
        for value in list(item.values()):
            yield from entries(value)
    elif isinstance(item, list):
        for value in item:
            yield from entries(value)


def as_in_2018(config):
    """`Model` for `Functional`, no modules, a Sequential as a mere list."""
    for entry in entries(config):
        for key in ("module", "registered_name", "build_config"):
            if "class_name" in entry:
                entry.pop(key, None)
        if entry.get("class_name") == "Functional":
            entry["class_name"] = "Model"
    layers = config["config"]["layers"]
    config["config"] = [e for e in layers if e["class_name"] != "InputLayer"]


def test_a_file_of_2018_computes_the_same(written, tmp_path):
    path = tmp_path / "sequential.h5"
    for suffix in (".h5", ".npz"):
        source = (written / "sequential").with_suffix(suffix)
        path.with_suffix(suffix).write_bytes(source.read_bytes())
    change_config(path, as_in_2018)
    check_equal(path)


def change_functions(**changes):
    def change(config):
        for entry in entries(config):
            if entry.get("class_name") == "TFOpLambda":
                settings = entry["config"]
                settings["function"] = changes.get(
                    settings["function"], settings["function"]
                )

    return change


def break_calls(config):
    for entry in entries(config):
        if entry.get("class_name") == "TFOpLambda":
            entry["inbound_nodes"] = [["conv2d", 0, 0, 7]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            change_functions(**{"nn.relu": "io.read_file"}),
            r"calls TensorFlow's function 'io.read_file' in the layer "
            r"'tf.nn.relu'",
        ),
        (
            change_functions(**{"clip_by_value": "nn.softmax"}),
            "calls 'nn.softmax' with clip_value_m.*, which Keras 3 does not",
        ),
        (
            break_calls,
            "describes its layers as no version of Keras does",
        ),
    ],
    ids=["an_unknown_function", "other_arguments", "a_broken_call"],
)
def test_what_has_no_like_in_keras_3_is_named(
    written, tmp_path, change, sentence
):
    path = tmp_path / "functions.h5"
    path.write_bytes((written / "functions.h5").read_bytes())
    change_config(path, change)
    with pytest.raises(kt.ModelFileError, match=sentence):
        load_h5(path)


def test_what_is_translated_is_checked_like_any_file(written, tmp_path):
    path = tmp_path / "hostile.keras"
    with (
        zipfile.ZipFile(written / "sequential.keras") as source,
        zipfile.ZipFile(path, "w") as target,
    ):
        for name in source.namelist():
            text = source.read(name)
            if name == "config.json":
                config = json.loads(text)
                config["config"]["layers"][-1].update(class_name="Lambda")
                text = json.dumps(config)
            target.writestr(name, text)
    with pytest.raises(kt.ModelFileError, match="Lambda"):
        kt.load_model(path)
