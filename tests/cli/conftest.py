"""Fixtures: a registered backbone for tests, photographs of two classes."""

import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.cli import main
from keras_transfer.models import spec as backbone


def build_tiny(input_shape, width=4, deep=False):
    image = keras.Input(input_shape)
    x = image
    for number in (1, 2, 3) if deep else (1, 2):
        x = keras.layers.Conv2D(
            width * number, 3, 2, "same", name=f"conv_{number}"
        )(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
    return keras.Model(image, x, name="tiny")


@pytest.fixture(autouse=True)
def tiny_registered():
    """The backbone `test/tiny`, for as long as a test runs."""
    kt.register_backbone(
        build_tiny,
        name="test/tiny",
        default_size=16,
        minimum_size=8,
        preprocessing=kt.Preprocessing.of_mode("unit"),
        license="Apache-2.0",
    )
    yield
    backbone.default_registry.cache_clear()


@pytest.fixture
def photos(tmp_path):
    """A folder with 12 bright images in `day`, 12 dark ones in `night`."""
    random = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for name, low in (("day", 160), ("night", 0)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(low, low + 90, (16, 16, 3), dtype="uint8")
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs the program in a folder of its own: code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with warnings.catch_warnings():
            # The program shows warnings; pytest would raise them instead.
            warnings.simplefilter("ignore")
            warnings.simplefilter("default", UserWarning)
            code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def fit(run, photos):
    """Runs `fit` with the tiny backbone, few epochs, random weights."""

    def fit(*words, epochs=2, folder=None):
        return run(
            "fit",
            folder or photos,
            "--backbone=test/tiny",
            "--weights=none",
            f"--epochs={epochs}",
            "--batch-size=8",
            *words,
        )

    return fit
