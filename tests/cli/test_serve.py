"""`keras-transfer serve` as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import keras_transfer as kt
from tests.serving.http_client import Service
from tests.serving.http_client import photograph


def start(*words):
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_transfer", "serve", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    line = process.stdout.readline()
    found = re.search(r"Serving (.*) on http://([^:]*):(\d+) ", line)
    assert found, (line, process.communicate())
    return process, found


@pytest.mark.parametrize(
    ("number", "code", "errors"),
    [(signal.SIGTERM, 0, ""), (signal.SIGINT, 130, "\nInterrupted.\n")],
)
def test_a_signal_ends_it_after_what_is_in_flight(
    number, code, errors, tmp_path, tiny_model
):
    kt.export(tiny_model, tmp_path / "model.tflite")
    process, found = start(tmp_path / "model.tflite", "--port=0")
    try:
        assert found[1] == str(tmp_path / "model.tflite")
        assert found[2] == "127.0.0.1"
        contents = photograph()
        head = (
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            b"Content-Length: %d\r\n\r\n" % len(contents)
        )
        service = Service(int(found[3]))
        assert service.post(contents, "image/png").status == 200
        with socket.create_connection(("127.0.0.1", service.port), 30) as raw:
            raw.sendall(head + contents[:100])
            time.sleep(0.5)
            process.send_signal(number)
            time.sleep(0.5)
            assert process.poll() is None
            raw.sendall(contents[100:])
            assert raw.recv(1 << 16).startswith(b"HTTP/1.1 200")
        assert process.wait(30) == code
        # Runtimes greet there as well.
        said = process.stderr.read()
        assert said.endswith(errors)
        assert "Traceback" not in said
    finally:
        process.kill()
        process.communicate()


def test_an_address_in_use_is_told_before_any_work(run):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = run("serve", "none.keras", f"--port={port}")
    assert (code, out) == (2, "")
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.keras", "--port=0"], "There is no model file 'none.keras'."),
        (["photos", "--port=0"], "'photos' is not a model file"),
        (["m", "--port=0", "--host=no.such.host.invalid"], "Cannot listen on"),
        (["m", "--port=-1"], "expected a whole number of at least 0"),
        (["m", "--max-batch=0"], "expected a whole number of at least 1"),
        (["m", "--max-wait-ms=-1"], "expected a number from 0"),
    ],
)
def test_a_wrong_argument_is_one_sentence(run, photos, words, sentence):
    code, out, err = run("serve", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_port_that_is_none_is_told(run):
    code, _, err = run("serve", "m", "--port=70000")
    assert code == 2
    assert "Cannot listen on 127.0.0.1 port 70000: there is no such" in err
