"""Outputs equal to kecam's under legacy Keras, one model of every family.

`golden.json` holds a few values of each, made by `oracle.py` (which needs
tf-keras) and kept by `make_golden.py`. In the default run a few families are
compared; `pytest -m slow tests/plugins/kecam/test_golden.py` compares all.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from keras_transfer_kecam import catalogue

from tests.plugins.kecam import make_golden
from tests.plugins.kecam import values

HERE = pathlib.Path(__file__).parent
GOLDEN = json.loads(make_golden.GOLDEN.read_text())
# Small ones with different kinds of layers.
QUICK = ("davit_t", "edgenext_xx_small", "vit_tiny_patch16", "botnet26t")
# Above this it is not the rounding of float32.
TOLERANCE = 1e-5


def names():
    for name in GOLDEN:
        marks = () if name in QUICK else pytest.mark.slow
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [*names()])
def test_features_are_those_of_kecam(name):
    golden = GOLDEN[name]
    features = make_golden.features_of(name, golden["size"])
    assert list(features.shape) == golden["shape"]
    worst = np.abs(values.sample(features) - golden["values"]).max()
    assert worst <= TOLERANCE * golden["largest"]


def test_golden_values_tell_models_apart():
    for golden in GOLDEN.values():
        assert golden["difference"] <= TOLERANCE
        assert np.std(golden["values"]) > 0.01 * golden["largest"]


@pytest.mark.slow
def test_all_features_are_those_of_kecam_under_tf_keras(tmp_path):
    python = os.environ.get("KERAS_TRANSFER_TF_KERAS_PYTHON")
    if not python:
        pytest.skip(
            "KERAS_TRANSFER_TF_KERAS_PYTHON names no Python with tf-keras"
        )
    requests = [f"{name}:{g['size']}" for name, g in GOLDEN.items()]
    table = pathlib.Path(catalogue.__file__).with_name("catalogue.json")
    subprocess.run(
        [python, HERE / "oracle.py", tmp_path, *requests],
        check=True,
        env={**os.environ, "KECAM_CATALOGUE": str(table)},
        cwd=HERE,
        stdout=sys.stderr,
    )
    for name, golden in GOLDEN.items():
        with np.load(tmp_path / f"{name}.npz") as stored:
            expected = stored["features"]
        received = make_golden.features_of(name, golden["size"])
        assert make_golden.difference(received, expected) <= TOLERANCE, name
