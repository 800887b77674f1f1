"""Fixtures: a model with a head, on a backbone that normalizes."""

import pytest

import keras_transfer as kt
from tests.exporting import networks


@pytest.fixture
def classifier():
    """A function that makes a classifier around a small network."""

    def make(backbone=None, head=None, **options):
        model = kt.build_model(
            backbone or networks.convolutional(),
            head or kt.heads.LinearHead(3, dropout=0.5),
            preprocessing=kt.Preprocessing.of_mode("torch"),
            **options,
        )
        return networks.lively(model)

    return make
