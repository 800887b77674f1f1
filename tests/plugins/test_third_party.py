"""A stranger's package: built, installed, used, and missed when it is gone.

Each step runs in a process of its own, where only the path says what is
installed.
"""

import ast
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

import keras
import numpy as np
import pytest

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/third_party_plugin"


def pip(*arguments):
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--quiet"],
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=True,
        timeout=300,
    )


def run(*command, path, python=sys.executable):
    """Runs Python with some folders on its path; returns what it prints."""
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [*map(str, path), *filter(None, known)]
    done = subprocess.run(
        [python, *map(str, command)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


OFFLINE = ("--no-deps", "--no-index")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The example as a wheel."""
    folder = tmp_path_factory.mktemp("third_party")
    source, wheels = folder / "source", folder / "wheels"
    # Building leaves its traces beside the source.
    shutil.copytree(EXAMPLE, source)
    pip("wheel", source, "--no-build-isolation", *OFFLINE, "-w", wheels)
    (wheel,) = wheels.glob("*.whl")
    assert wheel.name == "edge_nets-1.0-py3-none-any.whl"
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the example was installed from its wheel."""
    target = tmp_path_factory.mktemp("site")
    pip("install", wheel, *OFFLINE, "--target", target)
    return target


TRAIN = """
import sys
import keras, numpy as np
import keras_transfer as kt

kt.testing.check_backbone("edges/edge_net", weights="edges")
backbone = kt.create_backbone("edge_net", weights="edges")
model = kt.build_model(backbone, kt.heads.LinearHead(2))
kt.compile_for_transfer(model)
images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), "uint8")
before = backbone.get_weights()
head = model.layers[-1].get_weights()
model.fit(images, np.arange(8) % 2, verbose=0,
          callbacks=[kt.schedules.LinearProbe()])
assert all(map(np.array_equal, before, backbone.get_weights()))
assert not any(map(np.array_equal, head, model.layers[-1].get_weights()))
kt.save_model(model, sys.argv[1] + "/m.keras")
np.save(sys.argv[1] + "/images.npy", images)
np.save(sys.argv[1] + "/outputs.npy", model.predict(images, verbose=0))
print(kt.info(model).backbone["distribution"], "passed")
"""


@pytest.fixture(scope="module")
def trained(installed, tmp_path_factory):
    """A folder with a trained model, its input and its output."""
    folder = tmp_path_factory.mktemp("trained")
    printed = run("-c", TRAIN, folder, path=[installed])
    assert printed == "edge-nets passed"
    return folder


def test_it_is_listed_among_the_backbones(installed):
    command = ("-m", "keras_transfer", "backbones", "list", "*edge_net")
    assert run(*command, path=[installed]) == "edges/edge_net"


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Python of a fresh environment: the example beside the library."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    # What the library needs cannot be installed without a network.
    known = sysconfig.get_path("purelib")
    (site / "known.pth").write_text(
        f"import site; site.addsitedir({known!r})\n"
    )
    pip("--python", python, "install", wheel, *OFFLINE)
    return python


def test_a_fresh_environment_lists_it_and_loads_its_file(environment, trained):
    """It is imported by nobody but the loading of the file."""
    command = ("-m", "keras_transfer", "backbones", "list", "*edge_net")
    assert run(*command, path=[], python=environment) == "edges/edge_net"
    assert run("-c", LOAD, trained, path=[], python=environment) == "True"


def test_it_passes_the_check_trains_and_is_saved(trained):
    assert (trained / "m.keras").is_file()


LOAD = """
import sys
import numpy as np
import keras_transfer
import keras

assert "edge_nets" not in sys.modules
model = keras.saving.load_model(sys.argv[1] + "/m.keras")
images = np.load(sys.argv[1] + "/images.npy")
np.testing.assert_array_equal(
    model.predict(images, verbose=0), np.load(sys.argv[1] + "/outputs.npy"))
print("edge_nets" in sys.modules)
"""


MISS = """
import sys
import keras_transfer as kt
import keras

print(kt.list_backbones("*edge_net"))
for load in (kt.load_model, keras.saving.load_model):
    try:
        load(sys.argv[1] + "/m.keras")
    except ValueError as error:
        print(error)
"""


def test_without_it_one_sentence_names_it(trained):
    listed, ours, plain = run("-c", MISS, trained, path=[]).splitlines()
    assert listed == "[]"
    sentence = (
        " needs the class 'edge_nets>ChannelGate' of the distribution "
        "edge-nets 1.0 (as the file says), which is not installed. Run `pip "
        "install edge-nets` if you trust it."
    )
    path = trained / "m.keras"
    assert ours == f"The model file {str(path)!r}{sentence}"
    assert plain == f"The model file{sentence}"


BROKEN = {
    "raising": "raise RuntimeError('no license found')",
    "missing": None,
    "wrong": "net = Layer = 3",
}

AMONG_BROKEN = """
import sys
import keras_transfer as kt

print(kt.list_backbones(["edges/*", "broken*/*"]))
kt.create_backbone("edge_net", weights="edges")
print({plugin.distribution: plugin.state for plugin in kt.plugins()})
for name in ("raising", "missing", "wrong"):
    try:
        kt.create_backbone(f"broken_{name}/net")
    except Exception as error:
        print(type(error).__name__, f"broken-{name} 1.0" in error.__notes__[0])
kt.load_model(sys.argv[1] + "/m.keras")
print("loaded")
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A folder with three installed packages of which none works."""
    folder = tmp_path_factory.mktemp("broken")
    for name, source in BROKEN.items():
        module = f"broken_{name}"
        if source is not None:
            (folder / f"{module}.py").write_text(source)
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[keras_transfer.backbones]\n{module}.net = {module}:net\n"
            f"[keras_transfer.serializable]\n{module}.Layer = {module}:Layer\n"
        )
    return folder


def test_broken_plugins_change_nothing_for_others(trained, installed, broken):
    listed, states, *rest = run(
        "-c", AMONG_BROKEN, trained, path=[broken, installed]
    ).splitlines()
    assert ast.literal_eval(listed) == [
        "broken_missing/net",
        "broken_raising/net",
        "broken_wrong/net",
        "edges/edge_net",
    ]
    assert ast.literal_eval(states) == {
        "broken-missing": "broken",
        "broken-raising": "broken",
        "broken-wrong": "broken",
        "edge-nets": "ok",
        "keras-transfer": "ok",
        "keras-transfer[kecam]": "ok",
    }
    assert rest == [
        "RuntimeError True",
        "ModuleNotFoundError True",
        "TypeError True",
        "loaded",
    ]


def test_its_weights_are_those_that_its_script_makes(monkeypatch, tmp_path):
    known = dict(keras.saving.get_custom_objects())
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location(
        "make_weights", EXAMPLE / "make_weights.py"
    )
    script = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(script)
        made = script.build()
        shipped = script.edge_nets.build_edge_net((None, None, 3))
        shipped.load_weights(script.FILE)
    finally:
        sys.modules.pop("edge_nets", None)
        keras.saving.get_custom_objects().clear()
        keras.saving.get_custom_objects().update(known)
    for weight, other in zip(made.weights, shipped.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-6)
    kernel = np.asarray(shipped.get_layer("conv_1").kernel)
    # Each filter answers to an edge, and to nothing in an even surface.
    np.testing.assert_allclose(kernel.sum((0, 1)), 0, atol=1e-6)
    assert (np.abs(kernel).sum((0, 1, 2)) > 0.9).all()
