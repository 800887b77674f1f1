"""A service under load and under attack, as a process of its own."""

import importlib.util
import pathlib
import random
import re
import subprocess
import sys

import pytest

import keras_transfer as kt
from tests.cli.test_serve import start
from tests.exporting import networks
from tests.serving.http_client import Service
from tests.serving.http_client import form
from tests.serving.http_client import photograph
from tests.serving.test_refusals import bomb
from tests.serving.test_refusals import mutated

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
    rows = dict(re.findall(r"^(\S.*?)  +(\S.*)$", printed, re.M))
    assert int(rows["requests"]) > 60
    assert rows["failed"] == "0"
    assert rows["exit code after SIGTERM"] == "0"
    # The first half is for buffers that grow to their size.
    memory = list(map(float, rows["memory, MB"].split()))
    assert memory[-1] < 1.05 * memory[len(memory) // 2]


@pytest.mark.slow
def test_attacks_leave_a_process_as_it_was(model_path):
    process, found = start(model_path, "--port=0")
    service = Service(int(found[3]))
    try:
        good = photograph()
        expected = service.post(good, "image/png").json
        before = memory_of(service)
        hundred_megabytes = bytes(100_000_000)
        for declared in (hundred_megabytes, iter([hundred_megabytes])):
            assert service.post(declared, "image/png").status == 413
        for side in (9_000, 20_000, 60_000):
            assert service.post(bomb(side), "image/png").status == 413
        rng = random.Random(11)
        body, kind = form(("a.png", good))
        statuses = {
            service.post(mutated(contents, rng), kind).status
            for contents, kind in 1000 * [(body, kind), (good, "image/png")]
        }
        assert statuses <= {200, 400, 413, 415, 422}
        assert service.post(good, "image/png").json == expected
        assert memory_of(service) - before < 100e6
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def memory_of(service):
    text = service.get("/metrics").body.decode()
    found = re.search(r"^process_resident_memory_bytes (\S+)", text, re.M)
    return float(found[1])
