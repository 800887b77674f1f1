"""Fixtures: a model file, and a service that answers from it."""

import keras
import pytest

import keras_transfer as kt
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.opening import open_classifier
from tests.exporting import networks
from tests.serving.http_client import running

SMALL = ServiceLimits(
    max_body_bytes=200_000, max_pixels=10_000, max_images=4, body_seconds=20
)


@pytest.fixture(scope="package")
def model_path(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model = kt.build_model(
        networks.convolutional(),
        kt.heads.LinearHead(3),
        class_names=list("abc"),
    )
    kt.save_model(networks.lively(model), path)
    return path


@pytest.fixture(scope="package")
def classifier(model_path):
    return open_classifier(model_path)


@pytest.fixture(scope="module")
def service(model_path):
    with running(kt.build_service(model_path, SMALL), SMALL) as service:
        yield service
