"""Extraction from a model in training with auxiliary heads."""

import numpy as np
import pytest

import keras_transfer as kt
from tests.extraction.networks import numpy
from tests.extraction.networks import random


@pytest.fixture
def training(tiny_model):
    return kt.with_auxiliary_heads(
        tiny_model, {"relu_1": kt.heads.LinearHead(2)}
    )


SELECTORS = ["stem", "stage_2", "tiny/conv_2", "head"]


def test_it_gives_what_the_plain_model_gives(training, tiny_model):
    x = random(2, 32, 32, 3)
    extractor = kt.build_extractor(training, SELECTORS)
    assert extractor.mode == "graph"
    activations = extractor(x)
    expected = kt.build_extractor(tiny_model, SELECTORS)(x)
    for name in ("stem", "stage_2", "tiny/conv_2"):
        np.testing.assert_array_equal(
            numpy(activations[name]), numpy(expected[name])
        )
    np.testing.assert_array_equal(
        numpy(activations["head"]), numpy(training(x))
    )


def test_it_sees_what_training_does(training):
    extractor = kt.build_extractor(training, ["stage_2", "head"])
    x, y = random(8, 32, 32, 3), np.arange(8) % 2
    before = numpy(extractor(x)["stage_2"])
    training.compile("sgd", "sparse_categorical_crossentropy")
    training.fit(x, y, verbose=0)
    assert (numpy(extractor(x)["stage_2"]) != before).any()
    np.testing.assert_array_equal(
        numpy(extractor(x)["head"]), numpy(training(x))
    )


def test_a_saved_training_model_is_extracted_from(training, tmp_path):
    training.save(tmp_path / "m.keras")
    reloaded = kt.load_model(tmp_path / "m.keras")
    x = random(2, 32, 32, 3)
    np.testing.assert_array_equal(
        numpy(kt.build_extractor(reloaded, "stage_1")(x)["stage_1"]),
        numpy(kt.build_extractor(training, "stage_1")(x)["stage_1"]),
    )
