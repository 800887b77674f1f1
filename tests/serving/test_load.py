"""A service under load, as a process of its own."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

import keras_transfer as kt
from tests.exporting import networks

BENCHMARK = pathlib.Path(__file__).parents[2] / "examples/benchmarks/serving.py"


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """MobileNet 0.75 with made-up weights, as a model file."""
    path = tmp_path_factory.mktemp("mobilenet") / "model.keras"
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(224, 224, 3)
    )
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    kt.save_model(networks.lively(model), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".keras", ".onnx"])
def test_a_minute_of_load_fails_no_request_and_fills_no_memory(
    suffix, mobilenet
):
    # Importing it would turn this process into one of gevent's.
    if importlib.util.find_spec("locust") is None:
        pytest.skip("locust is not installed")
    path = mobilenet.with_suffix(suffix)
    if not path.exists():
        pytest.importorskip("tf2onnx")
        kt.export(kt.load_model(mobilenet), path)
    printed = subprocess.run(
        [sys.executable, BENCHMARK, path, "--seconds=60", "--users=8"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    print(printed)
    rows = dict(re.findall(r"^([^|\s].*?)  +(\S.*)$", printed, re.M))
    assert int(rows["requests"]) > 60
    assert rows["failed"] == "0"
    assert rows["exit code after SIGTERM"] == "0"
    # The first half is for buffers that grow to their size.
    memory = list(map(float, rows["memory, MB"].split()))
    assert memory[-1] < 1.05 * memory[len(memory) // 2]
