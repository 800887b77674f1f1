"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil

import keras
import numpy as np
import pytest
from PIL import Image

import keras_transfer

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_names():
    found = pkgutil.walk_packages(keras_transfer.__path__, "keras_transfer.")
    return sorted(m.name for m in found if not m.name.endswith("__main__"))


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """A working folder with the photographs that examples speak of."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)

    def photograph(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (20, 30, 3), "uint8")
        Image.fromarray(pixels).save(path)

    for name in ("photos/ants/1", "photos/ants/2", "photos/bees/1"):
        photograph(tmp_path / f"{name}.jpg")
    for name in ("photos/bees/2", "bees/bee2", "bees/bee10", "bee"):
        photograph(tmp_path / f"{name}.jpg")
    whole = (tmp_path / "bee.jpg").read_bytes()
    (tmp_path / "half_a_bee.jpg").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, photographs):
    module = importlib.import_module(name)
    known = {"keras_transfer": keras_transfer, "keras": keras, "np": np}
    failures, _ = doctest.testmod(
        module, extraglobs=known, optionflags=FLAGS, verbose=False
    )
    assert failures == 0
