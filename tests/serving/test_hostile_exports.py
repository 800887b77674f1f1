"""No exported file and no description of one does harm, whoever wrote it."""

import json
import re
import subprocess
import sys

import pytest

from tests.serving import fuzz_sidecar
from tests.serving.hostile_exports import CASES

SECONDS = 10
MEGABYTES = 300
# Escape, its one-byte form, bell, reversed writing, a lone surrogate.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What became of each case, tried in a process without Keras."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("hostile")
    done = subprocess.run(
        [sys.executable, "-m", "tests.serving.hostile_exports", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    found = map(json.loads, done.stdout.splitlines())
    return {one["case"]: one for one in found}


def test_there_are_enough():
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_it_is_opened_without_harm_or_refused_with_a_sentence(name, tried):
    refusal, found = CASES[name][1], tried[name]
    assert "died" not in found
    assert found["seconds"] < SECONDS
    assert found["megabytes"] < MEGABYTES
    for said in (found["python"], found["service"]):
        if refusal is None:
            assert said is None
        else:
            assert re.search(refusal, said)
            assert len(said) < 2000
    for code, out, err in found["commands"]:
        assert not OBEYED.search(out + err)
        assert "Unexpected error" not in err
        assert "Traceback" not in err
        if refusal is None:
            assert (code, err) == (0, "")
        else:
            assert code in (1, 2)
            assert err.count("\n") == 1


def test_descriptions_made_at_random_do_no_harm_either(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    tried, opened = fuzz_sidecar.run(tmp_path, seconds=3, seed=0)
    assert tried > 100
    assert 0 < opened < tried
