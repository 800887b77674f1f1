"""Features equal to kecam's under legacy Keras, in every family.

The default run compares a few models with values that are kept. The marker
`slow` compares all with kecam itself, one test for each: `pytest -m slow -n 0
tests/plugins/kecam/test_parity.py`, with a Python that has tf-keras.
"""

import json
import os

import numpy as np
import pytest
from keras_transfer_kecam import catalogue

from tests.plugins.kecam import parity
from tests.plugins.kecam import values

GOLDEN = json.loads(parity.GOLDEN.read_text())
CASES = parity.cases()
# Constructors that were tried before this plugin was written, and worked.
FLOOR = 89


@pytest.mark.parametrize("name", GOLDEN)
def test_features_are_those_that_kecam_computed(name):
    golden = GOLDEN[name]
    features = parity.features_of(CASES[name])
    assert list(features.shape) == golden["shape"]
    worst = np.abs(values.sample(features) - golden["values"]).max()
    assert worst <= parity.TOLERANCE * golden["largest"]


def test_golden_values_tell_models_apart():
    assert set(GOLDEN) == set(parity.KEPT)
    for golden in GOLDEN.values():
        assert np.std(golden["values"]) > 0.01 * golden["largest"]


def test_every_family_was_compared():
    models = catalogue.models()
    families = {models[name].constructor.rpartition(".")[0] for name in CASES}
    every = {m.constructor.rpartition(".")[0] for m in models.values()}
    assert families == every
    assert len(CASES) >= FLOOR
    for case in CASES.values():
        assert case.difference <= parity.TOLERANCE


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    python = os.environ.get("KERAS_TRANSFER_TF_KERAS_PYTHON")
    if not python:
        pytest.skip(
            "KERAS_TRANSFER_TF_KERAS_PYTHON names no Python with tf-keras"
        )
    folder = tmp_path_factory.mktemp("oracle")
    worker = parity.oracle(python, folder)
    yield worker, folder
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_features_are_those_of_kecam_under_tf_keras(name, oracle):
    expected = parity.expected_features(CASES[name], *oracle)
    received = parity.features_of(CASES[name])
    assert received.shape == expected.shape
    assert parity.difference(received, expected) <= parity.TOLERANCE
