import json

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli.export import FORMATS as NAMES
from keras_transfer.cli.export import PRECISIONS as PRECISION_NAMES
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.precision import PRECISIONS
from tests.exporting import networks


@pytest.fixture
def saved(tmp_path):
    model = kt.build_model(
        networks.convolutional(),
        kt.heads.LinearHead(2),
        class_names=["day", "night"],
    )
    kt.save_model(networks.lively(model), tmp_path / "model.keras")
    return model


def test_the_command_writes_what_the_suffix_says(run, saved, photos, tmp_path):
    code, out, err = run("export", "model.keras", "m", "--data", photos)
    assert (code, err) == (0, "")
    assert out.startswith("Wrote m and m.json.\nOn 24 images, in batches of 1,")
    served = FORMATS["tf_saved_model"].open(tmp_path / "m")
    images = np.zeros((1, 16, 16, 3), "float32")
    np.testing.assert_allclose(
        served(images), saved.predict(images, verbose=0), atol=1e-5
    )
    record = json.loads((tmp_path / "m.json").read_text())
    assert record["class_names"] == ["day", "night"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.keras", "m.onnx"], "There is no model file 'none.keras'."),
        (["model.keras", "m.pth"], "No format has files named '*.pth'"),
        (["model.keras", "m.keras", "--format=onnx"], "named '*.onnx'"),
        (["model.keras", "m.onnx", "--format=onx"], "invalid choice: 'onx'"),
        (["model.keras"], "arguments are required"),
    ],
)
def test_a_wrong_argument_is_one_sentence(run, saved, words, sentence):
    code, out, err = run("export", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_the_help_names_every_format():
    assert set(NAMES) == set(FORMATS)
    assert PRECISION_NAMES == PRECISIONS


def test_the_accuracy_on_a_folder_is_printed(run, saved, photos):
    code, out, err = run(
        "export", "model.keras", "stock.keras", "--measure-on", photos
    )
    assert (code, err) == (0, "")
    assert "\nOf 24 photographs the model classifies " in out
    assert "(+0.0%); they agree on 24." in out


def test_a_missing_package_is_one_sentence(run, saved, monkeypatch):
    monkeypatch.setattr(FORMATS["onnx"], "packages", ("no_such_package",))
    code, out, err = run("export", "model.keras", "m.onnx")
    assert (code, out) == (2, "")
    assert "needs no_such_package. Run `pip install 'keras-transfer[" in err
    assert err.count("\n") == 1
