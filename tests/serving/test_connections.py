"""What clients may do with connections."""

import socket
import threading
import time

import pytest

from keras_transfer.serving.application import build_application
from keras_transfer.serving.limits import ServiceLimits
from tests.serving import hostile_requests
from tests.serving.http_client import photograph
from tests.serving.http_client import running
from tests.serving.http_client import until

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
QUICK = ServiceLimits(
    head_seconds=0.3,
    body_seconds=0.5,
    max_connections=4,
    max_body_bytes=100_000,
)


@pytest.fixture(scope="module")
def quick(classifier):
    with running(build_application(classifier, QUICK), QUICK) as service:
        yield service


def connected(service):
    return socket.create_connection(("127.0.0.1", service.port), 30)


def everything(raw):
    pieces = iter(lambda: raw.recv(1 << 16), b"")
    try:
        return b"".join(pieces)
    except ConnectionResetError:
        return b"reset"


def test_a_head_that_does_not_arrive_is_refused(quick):
    with connected(quick) as raw:
        start = time.monotonic()
        raw.sendall(GET[:20])
        reply = everything(raw)
        assert time.monotonic() - start < 5
    assert reply.startswith(b"HTTP/1.1 408")
    assert b"The head of the request did not arrive in time." in reply


def answer(raw):
    """One whole answer, which may come in pieces."""
    received = b""
    while b'"ok"}' not in received:
        received += raw.recv(1 << 16)
    return received


def test_who_says_nothing_is_cut_and_who_has_been_answered_may_wait(quick):
    with connected(quick) as silent, connected(quick) as idle:
        idle.sendall(GET)
        assert answer(idle).startswith(b"HTTP/1.1 200")
        assert everything(silent) in (b"", b"reset")
        time.sleep(0.5)
        # Longer than a head may take; the next one has its own time.
        idle.sendall(GET)
        assert answer(idle).startswith(b"HTTP/1.1 200")
        idle.sendall(GET[:10])
        assert b"HTTP/1.1 408 Request Timeout" in everything(idle)


def test_a_long_head_is_refused(quick):
    with connected(quick) as raw:
        raw.sendall(GET[:-2] + b"A: " + 70_000 * b"a")
        reply = everything(raw)
    assert reply.startswith(b"HTTP/1.1 431")
    assert b"The head is larger than 64 KiB." in reply


def test_the_oldest_silent_connection_makes_room_for_another(quick):
    with connected(quick) as first, connected(quick) as second:
        others = [connected(quick) for _ in range(3)]
        assert everything(first) in (b"", b"reset")
        second.sendall(GET)
        assert answer(second).startswith(b"HTTP/1.1 200")
        for raw in others:
            raw.close()


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
def test_who_is_still_sending_reads_why_it_is_refused(quick, close):
    size = 30_000_000
    with connected(quick) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            b"%bContent-Length: %d\r\n\r\n" % (close, size)
        )
        for _ in range(size // 10**6):
            raw.sendall(bytes(10**6))
        reply = everything(raw)
    assert reply.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in reply.lower()
    assert b"The request is larger than 0.0953674 MiB" in reply


def test_chunks_of_a_byte_do_not_go_on_for_ever(quick):
    data = hostile_requests.CHUNKED + 400_000 * b"1\r\na\r\n"
    with connected(quick) as raw:
        try:
            raw.sendall(data)
            reply = everything(raw)
        except ConnectionError:
            reply = b"reset"
    assert reply == b"reset" or reply.startswith(b"HTTP/1.1 413")


def test_the_slowest_body_makes_room_for_others(classifier):
    limits = ServiceLimits(max_held_bytes=50_000, body_seconds=20)
    part = hostile_requests.head(b"Content-Length: 49000") + bytes(48_000)
    with running(build_application(classifier, limits), limits) as service:
        with connected(service) as slow:
            slow.sendall(part)
            time.sleep(0.3)
            reply = service.post(bytes(10_000), "image/png")
            assert (reply.status, "no image" in reply.error) == (422, True)
            reply = everything(slow)
            assert reply.startswith(b"HTTP/1.1 503")
            assert b"Too much is being sent at once" in reply
        # Nobody else is arriving who could make room.
        reply = service.post(bytes(60_000), "image/png")
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert service.post(photograph(), "image/png").status == 200


def test_at_the_end_what_is_not_answered_gets_a_503(classifier):
    part = hostile_requests.head(b"Content-Length: 9") + b"x"
    limits = ServiceLimits()
    with running(build_application(classifier, limits), limits) as service:
        with connected(service) as raw, connected(service) as silent:
            raw.sendall(part)
            time.sleep(0.3)
            start = time.monotonic()
            service.server.should_exit = True
            assert everything(silent) in (b"", b"reset")
            reply = everything(raw)
            assert reply.startswith(b"HTTP/1.1 503")
            assert b"The service is shutting down." in reply
            names = [t.name for t in threading.enumerate()]
            until(lambda: not service.server.server_state.tasks)
            assert time.monotonic() - start < 5, names
