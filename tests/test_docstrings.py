"""The examples in docstrings run."""

import doctest
import importlib
import pathlib
import pkgutil

import keras
import pytest

import keras_transfer

ROOT = pathlib.Path(keras_transfer.__file__).parent


def module_names():
    found = pkgutil.walk_packages([str(ROOT)], "keras_transfer.")
    return sorted(m.name for m in found if not m.name.endswith("__main__"))


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Examples may write files.
    module = importlib.import_module(name)
    with keras.utils.custom_object_scope({}):
        failures, _ = doctest.testmod(
            module,
            optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
        )
    assert failures == 0
