"""Fixtures: seeds, small networks, the folder of real weights and photos."""

import os
import pathlib
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A shell starts what runs in the background with Ctrl-C ignored, which
# processes hand on to theirs; the tests of Ctrl-C would wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a process for each core already, which one thread keeps busy.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import keras
import pytest

import keras_transfer as kt
from keras_transfer.models import spec as backbone
from keras_transfer.registry import registry

# The files that take longest, longest first.
LONG_FILES = (
    "tests/plugins/kecam/test_parity.py",
    "tests/plugins/test_third_party.py",
    "tests/plugins/kecam/test_saving.py",
    "tests/training/test_compiling.py",
    "tests/test_examples.py",
    "tests/test_docstrings.py",
    "tests/plugins/applications/test_every_application.py",
    "tests/test_recipes.py",
    "tests/structure/test_freeze_state.py",
    "tests/schedules/test_resuming.py",
    "tests/optimizer/test_transition.py",
    "tests/cli/demo/test_demo.py",
    "tests/schedules/test_exactness.py",
    "tests/test_contracts.py",
)


def pytest_collection_modifyitems(items):
    """Starts with the long files, so that no process ends with one alone."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.location[0], len(places)))


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def pytest_addoption(parser):
    parser.addoption(
        "--xla",
        action="store_true",
        help="compile every network as Keras does, which takes twice as long",
    )


@pytest.fixture(autouse=True)
def small_networks_do_without_xla(request, monkeypatch):
    """Leaves out a compilation that takes longer than what most tests check.

    What is about compiled steps is marked `xla` and has it, as have the slow
    tests and whatever runs in a process of its own.
    """
    node, wanted = request.node, request.config.getoption("--xla")
    if wanted or any(map(node.get_closest_marker, ("xla", "slow"))):
        return
    if keras.backend.backend() == "tensorflow":
        monkeypatch.setattr(
            "keras.src.trainers.trainer.model_supports_jit",
            lambda model: False,
        )


@pytest.fixture(autouse=True)
def registrations_end_with_the_test(monkeypatch):
    shared = backbone.default_registry()
    monkeypatch.setattr(shared, "_runtime", dict(shared._runtime))


@pytest.fixture
def tiny_backbone():
    """A function that makes three convolution stages for small images."""
    return build_tiny


def build_tiny(input_shape=(32, 32, 3), width=4, name="tiny"):
    image = keras.Input(input_shape)
    x = image
    for number in (1, 2, 3):
        x = keras.layers.Conv2D(
            width * number, 3, 2, "same", name=f"conv_{number}"
        )(x)
        x = keras.layers.BatchNormalization(name=f"bn_{number}")(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
    return keras.Model(image, x, name=name)


@pytest.fixture
def tiny_model(tiny_backbone):
    return kt.build_model(
        tiny_backbone(), kt.heads.LinearHead(2), class_names=["ant", "bee"]
    )


@pytest.fixture
def own_registry(monkeypatch):
    """Gives the test an empty registry of its own."""
    fresh = registry.Registry("none", "backbone", backbone._as_spec, lambda: ())
    monkeypatch.setattr(backbone, "default_registry", lambda: fresh)


@pytest.fixture(scope="session")
def assets():
    """The folder of real weights and photographs, where there is one."""
    folder = os.environ.get("KERAS_TRANSFER_ASSETS")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("KERAS_TRANSFER_ASSETS names no folder of real data")
    return pathlib.Path(folder).resolve()


@pytest.fixture
def imagenet(assets, tmp_path, monkeypatch):
    """A Keras home that holds real weights of MobileNet 0.75."""
    import shutil

    shutil.copytree(assets / "keras_home", tmp_path / "keras_home")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    return tmp_path / "keras_home"
