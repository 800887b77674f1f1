"""The examples in docstrings run."""

import doctest
import importlib
import io
import pkgutil
import types

import keras
import numpy as np
import pytest
from PIL import Image

import keras_transfer
from tests.reference import script

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


@pytest.fixture(scope="module")
def public():
    """Where public classes and functions are defined."""
    return {
        f"{value.__module__}.{value.__qualname__}"
        for _, value in script().public_names()
        if not isinstance(value, types.ModuleType)
    }


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, photographs, public):
    """Public ones as they are pasted: they import all that they use."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    report = io.StringIO()
    for test in doctest.DocTestFinder().find(module, name):
        parts = test.name.split(".")
        owners = {".".join(parts[:end]) for end in range(len(parts) + 1)}
        if owners & public:
            test.globs = {"__name__": "__main__"}
        else:
            test.globs.update(
                {"keras_transfer": keras_transfer, "keras": keras, "np": np}
            )
        runner.run(test, out=report.write)
    assert runner.failures == 0, report.getvalue()
