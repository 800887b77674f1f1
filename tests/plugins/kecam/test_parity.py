"""Features equal to kecam's under legacy Keras, in every family.

The default run compares all with values that kecam computed, most of them with
one or two blocks in each stage. The marker `slow` compares whole networks with
kecam itself, one test for each: `pytest -m slow -n 0
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


# VanillaNet's source calls an argument by its old name.
@pytest.mark.filterwarnings("ignore:Argument `alpha` is deprecated")
@pytest.mark.parametrize("name", GOLDEN)
def test_features_are_those_that_kecam_computed(name):
    golden = GOLDEN[name]
    features = parity.features_of(CASES[name].reduced())
    assert list(features.shape) == golden["shape"]
    worst = np.abs(values.sample(features) - golden["values"]).max()
    assert worst <= parity.TOLERANCE * golden["largest"]


def test_golden_values_tell_models_apart():
    assert set(GOLDEN) == set(CASES)
    for golden in GOLDEN.values():
        assert np.std(golden["values"]) > 0.01 * golden["largest"]
    kept = {tuple(golden["values"]) for golden in GOLDEN.values()}
    # DaViT's S is T with more blocks in a stage, and nothing else.
    assert GOLDEN["davit_s"] == GOLDEN["davit_t"]
    assert len(kept) == len(GOLDEN) - 1


def test_preprocessing_is_what_kecam_s_models_state():
    stated = {
        name: golden["rescale_mode"]
        for name, golden in GOLDEN.items()
        if golden["rescale_mode"]
    }
    models = catalogue.models()
    assert {name: models[name].preprocessing for name in stated} == stated
    assert len(stated) >= 89


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_blocks_left_out_do_nothing_that_others_do_not(name):
    whole, reduced = (
        {type(operation) for operation in parity.network(case).operations}
        for case in (CASES[name], CASES[name].reduced())
    )
    assert whole == reduced


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
    expected = parity.expected(CASES[name], *oracle)["features"]
    received = parity.features_of(CASES[name])
    assert received.shape == expected.shape
    assert parity.difference(received, expected) <= parity.TOLERANCE
