"""A service among hostile clients, as a process of its own."""

import concurrent.futures
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from tests.cli.test_serve import start
from tests.serving import hostile_requests
from tests.serving.hostile_requests import KINDS
from tests.serving.http_client import Service
from tests.serving.http_client import photograph

# In a process of its own, whose times the clients here do not delay.
WATCH = """
import json, select, socket, sys, time
times = []
while not select.select([sys.stdin], [], [], 0.01)[0]:
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30) as raw:
        raw.sendall(b"GET /healthz HTTP/1.0\\r\\n\\r\\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


@pytest.fixture(scope="module")
def process(model_path):
    process, found = start(model_path, "--port=0")
    process.port = int(found[3])
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def service(process):
    service = Service(process.port)
    service.expected = service.post(photograph(), "image/png").json
    return service


@contextlib.contextmanager
def health_watched(port):
    """Yields a list that is filled with the seconds of answers at the end."""
    times = []
    with subprocess.Popen(
        [sys.executable, "-c", WATCH, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        yield times
        times += json.loads(watch.communicate("end\n", timeout=60)[0])


def memory_of(process):
    found = psutil.Process(process.pid)
    total = 0
    for one in [found, *found.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += one.memory_info().rss
    return total


def status_of(port, data, is_answered=True):
    """Sends what may be anything; returns the status, 0 where there is none."""
    pieces = [data] if isinstance(data, bytes) else data
    with socket.create_connection(("127.0.0.1", port), 30) as raw:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                raw.sendall(piece)
        raw.settimeout(30 if is_answered else 0.2)
        try:
            line = raw.recv(100).split(b"\r\n")[0].split()
        except (ConnectionError, TimeoutError):
            return 0
        return int(line[1]) if line else 0


def test_hostile_requests_harm_nobody(process, service):
    before, most, found = memory_of(process), 0, {}
    with (
        health_watched(process.port) as times,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        for name, (build, expected) in KINDS.items():
            replies = [
                pool.submit(status_of, process.port, build(), expected != {0})
                for _ in range(2)
            ]
            while concurrent.futures.wait(replies, 0.03).not_done:
                most = max(most, memory_of(process) - before)
            found[name] = {reply.result() for reply in replies}
            good = service.post(photograph(), "image/png")
            assert good.status == 200, (name, good)
            assert good.json == service.expected, name
    wrong = {
        name: statuses
        for name, statuses in found.items()
        if not statuses <= KINDS[name][1] | {503}
    }
    assert wrong == {}
    assert len(KINDS) >= 60
    assert most < 500e6
    print(f"{len(KINDS)} kinds, {most / 1e6:.0f} MB more, /healthz in ms:")
    print(np.percentile(times, [50, 99, 100]) * 1000, len(times))
    assert np.percentile(times, 99) < 0.1


def test_slow_connections_shut_nobody_out(process, service):
    def opened(number):
        raw = socket.create_connection(("127.0.0.1", process.port), 30)
        pieces = [
            b"",
            b"GET /healthz HTTP/1.1\r\nHost",
            hostile_requests.head(b"Content-Length: 9000") + b"x",
            hostile_requests.CHUNKED + b"9000\r\nx",
        ]
        raw.sendall(pieces[number % len(pieces)])
        return raw

    before = memory_of(process)
    slow = []
    with contextlib.ExitStack() as stack, health_watched(process.port) as times:
        for number in range(800):
            slow.append(stack.enter_context(opened(number)))
        for _ in range(20):
            for raw in slow:
                with contextlib.suppress(ConnectionError):
                    raw.send(b"x")
            time.sleep(0.1)
            good = service.post(photograph(), "image/png")
            assert (good.status, good.json) == (200, service.expected)
        assert memory_of(process) - before < 100e6
        server = psutil.Process(process.pid)
        assert len(server.net_connections("tcp")) < 300
    assert np.percentile(times, 99) < 0.1


def test_messages_are_bounded(process):
    for _ in range(200):
        status_of(process.port, b"\x1b[31mNo HTTP\r\n\r\n")
    # Read at the end, by the last test.


def test_sigterm_under_load_ends_it_at_once(process, service):
    bomb = KINDS["png of 49 megapixels"][0]()
    slow = hostile_requests.head(b"Content-Length: 9000") + b"x"
    with (
        concurrent.futures.ThreadPoolExecutor(16) as pool,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(50):
            raw = socket.create_connection(("127.0.0.1", process.port), 30)
            stack.enter_context(raw).sendall(slow)
        replies = [pool.submit(status_of, process.port, bomb) for _ in range(8)]
        replies += [
            pool.submit(service.post, photograph(i), "image/png")
            for i in range(8)
        ]
        time.sleep(0.2)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 5
        statuses = {reply.result() for reply in replies[:8]}
        assert statuses <= {0, 413, 503}
    said = process.stderr.read()
    assert "Traceback" not in said
    assert "\x1b[31m" not in said
    assert said.count("Invalid HTTP request") <= 20
