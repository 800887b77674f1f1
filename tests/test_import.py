"""What importing the package costs and does, in processes of their own."""

import pathlib
import runpy
import subprocess
import sys

import numpy as np
import pytest

import keras_transfer as kt

BENCHMARK = pathlib.Path(__file__).parents[1] / "examples" / "benchmarks"
# Milliseconds. An idle machine takes half of them, or less; a busy one may take
# several times as long by the clock.
IMPORT, LISTING, PROCESSOR = 100, 500, 100


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout.strip()


def test_importing_and_listing_import_no_framework():
    loaded = run(
        "import sys, keras_transfer as kt\n"
        "kt.list_backbones()\n"
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch', 'numpy')"
        " if m in sys.modules])"
    )
    assert loaded == "[]"


def test_importing_and_listing_are_quick():
    """In some of the processes: what else runs here only adds to the time."""
    measure = runpy.run_path(str(BENCHMARK / "importing.py"))["measure"]
    limits = (IMPORT, LISTING, PROCESSOR)
    least = [float("inf")] * 3
    for _ in range(20):
        (imported, _), listed, count = measure()
        least = list(map(min, least, [imported, *listed]))
        if np.less(least, limits).all():
            break
    assert count == len(kt.list_backbones())
    assert np.less(least, limits).all(), least


@pytest.mark.parametrize(
    "first", ["keras_transfer, keras", "keras, keras_transfer"]
)
def test_in_either_order_keras_is_unchanged_and_loads_our_files(
    first, tiny_model, tmp_path
):
    path = tmp_path / "m.keras"
    tiny_model.save(path)
    state, classes = run(
        f"import {first}, importlib.resources, sys\n"
        "print(keras.__spec__.loader.__class__.__name__, "
        "keras.__loader__ is keras.__spec__.loader, "
        "importlib.resources.files('keras').joinpath('__init__.py').is_file(),"
        " [f for f in sys.meta_path if 'keras_transfer' in "
        "type(f).__module__])\n"
        f"model = keras.saving.load_model({str(path)!r})\n"
        "print(keras_transfer.info(model).class_names)"
    ).splitlines()
    assert state == "SourceFileLoader True True []"
    assert classes == "['ant', 'bee']"


def test_every_public_name_can_be_reached():
    for name in kt.__all__:
        assert getattr(kt, name) is not None
    assert set(kt.__all__) <= set(dir(kt))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        _ = kt.unknown


def test_functions_are_not_hidden_by_modules():
    import keras_transfer.heads
    import keras_transfer.structure.model_info  # noqa: F401

    assert callable(kt.info)
    assert callable(kt.plugins)
