"""Requests that cannot be fulfilled: a sentence each, and never a failure."""

import base64
import dataclasses
import json
import random
import socket
import struct
import threading
import zlib

import numpy as np
import psutil
import pytest

import keras_transfer as kt
from keras_transfer.serving.application import build_application
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.opening import open_classifier
from tests.exporting import networks
from tests.serving.conftest import SMALL
from tests.serving.http_client import form
from tests.serving.http_client import photograph
from tests.serving.http_client import running
from tests.serving.http_client import until

FORM = "multipart/form-data; boundary=fence"
JSON = "application/json"
ENCODED = base64.b64encode(photograph()).decode()


def images(*items):
    return json.dumps({"images": items}).encode()


def pixels(value=1, shape=(16, 16, 3)):
    return np.full(shape, value).tolist()


def text_field():
    body, kind = form(("x", b""))
    return body.replace(b'; filename="x"', b""), kind


def with_charset(name):
    """A form whose names are in an encoding that the client chooses."""
    body, kind = form(("x-99999999", photograph()))
    body = body.replace(
        b"--fence\r\n",
        b'--fence\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n'
        b"%s\r\n--fence\r\n" % name,
        1,
    )
    return body, f"{kind}; charset={name.decode()}"


REQUESTS = {
    "no type": (b"x", None, 415, "Unknown Content-Type ''"),
    "text": (b"x", "text/plain", 415, "Send image files as multipart"),
    "empty body": (b"", "image/png", 422, "the file is empty"),
    "no image": (b"hello", "image/png", 422, "no image that is known"),
    "a PDF": (b"%PDF-1.7", "image/png", 422, "it holds PDF data"),
    "half an image": (photograph()[:900], "image/png", 422, "truncated"),
    "an empty form": (b"--fence--\r\n", FORM, 400, "There is no image"),
    "no boundary": (b"x", "multipart/form-data", 400, "has no boundary"),
    "no form": (b"nonsense", FORM, 400, "multipart"),
    "text in a form": (*text_field(), 400, "holds text, not a file"),
    "five files": (*form(*[("a", b"")] * 5), 413, "more than 4 images"),
    "one bad file": (
        *form(("good.png", photograph()), ("bad.png", b"GIF89a")),
        422,
        "The image 'bad.png' cannot be read: the GIF data are corrupt",
    ),
    "no JSON": (b"{", JSON, 400, "The JSON cannot be read"),
    "no UTF-8": (b"\xff\xfe\x00", JSON, 400, "The JSON cannot be read"),
    "a list": (b"[]", JSON, 400, 'Expected {"images": [...]}'),
    "no list": (b'{"images": "x"}', JSON, 400, "Received at byte 0"),
    "no images": (images(), JSON, 400, "There is no image"),
    "five images": (images(*[ENCODED] * 5), JSON, 413, "more than 4 images"),
    "a number": (images(7), JSON, 400, "Image 0 is neither text"),
    "no base64": (images("§"), JSON, 400, "Image 0 is not base64"),
    "half of it": (images(ENCODED[:-3]), JSON, 400, "is not base64"),
    "deep lists": (b"[" * 100_000, JSON, 400, "The JSON cannot be read"),
    "a long number": (
        b'{"images": [[%s]]}' % (b"9" * 9000),
        JSON,
        422,
        "shape",
    ),
    "NaN": (b'{"images": [[NaN]]}', JSON, 422, "at row 0: '[NaN]]}'"),
    "shape": (images(pixels(shape=(3, 16, 16))), JSON, 422, r"(16, 16, 3)"),
    "ragged": (images([[1], [1, 2]]), JSON, 422, "at row 0: '[[1], [1, 2]"),
    "words": (images(pixels("9")), JSON, 422, "each of 3 numbers"),
    "booleans": (images(pixels(True)), JSON, 422, "[[[true, true, true]"),
    "huge": (images(pixels(10**30)), JSON, 422, "[[[1000000000000000"),
    "infinity": (images(pixels(1e300)), JSON, 422, "must be finite numbers"),
    "two keys": (b'{"images": [], "images": []}', JSON, 400, "at byte 12"),
    "too many rows": (
        images(pixels(shape=(17, 16, 3))),
        JSON,
        422,
        "at row 16: ', [[1",
    ),
    "half a form": (form(("a", b"x"))[0][:-9], FORM, 400, "last boundary"),
    "range": (images(pixels(256)), JSON, 422, "must lie between 0 and 255"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_wrong_request_is_told_what_is_wrong(service, name):
    body, kind, status, sentence = REQUESTS[name]
    reply = service.post(body, kind)
    assert (reply.status, sentence in reply.error) == (status, True), reply
    assert reply.error.count("\n") == 0


@pytest.mark.parametrize(
    "codec", [b"punycode", b"undefined", b"utf-16", b"hex"]
)
def test_names_in_an_odd_encoding_do_no_harm(service, codec):
    assert service.post(*with_charset(codec)).status in (200, 400)


@pytest.mark.parametrize("top", ["0", "-1", "x", "", "1.5", "9" * 5000, "²"])
def test_a_wrong_number_of_classes_is_refused(service, top):
    from urllib.parse import quote

    path = f"/predict?top={quote(top)}"
    reply = service.post(photograph(), "image/png", path)
    assert reply.status == 400
    assert "`top`, the number of classes" in reply.error


def test_compressed_requests_are_refused(service):
    reply = service.post(b"x", "image/png", **{"Content-Encoding": "gzip"})
    assert (reply.status, "Compressed" in reply.error) == (415, True)


def test_other_addresses_and_methods_are_explained(service):
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("POST", "/metadata", 405),
    ):
        reply = service.send(method, path)
        assert reply.status == status
        assert "/predict" in reply.error


def bomb(side):
    """A small file of very many pixels, one bit each."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + crc.to_bytes(4)

    rows = bytes((1 + (side + 7) // 8) * side)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_000, 12_000, 20_000])
def test_an_image_bomb_is_refused_before_it_is_decoded(service, side):
    contents = bomb(side)
    assert len(contents) < SMALL.max_body_bytes
    process = psutil.Process()
    before = process.memory_info().rss
    reply = service.post(contents, "image/png")
    assert reply.status == 413
    assert "more pixels than can be decoded" in reply.error
    assert "at most 0.01 megapixels" in reply.error
    # Decoded it would take 81 MB and more.
    assert process.memory_info().rss - before < 50e6


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_large_body_is_refused_and_not_kept(service, is_declared):
    process = psutil.Process()
    size, chunk = 50_000_000, bytes(100_000)
    body = (chunk for _ in range(size // len(chunk)))
    length = {"Content-Length": str(size)} if is_declared else {}
    before = process.memory_info().rss
    reply = service.post(body, "image/png", **length)
    assert reply.status == 413
    assert "larger than 0.190735 MiB" in reply.error
    assert process.memory_info().rss - before < 25e6


def test_who_asks_before_sending_a_large_body_sends_nothing(service):
    reply = service.send_bytes(
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        b"Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n"
    )
    assert reply.startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_not_waited_for(classifier):
    limits = ServiceLimits(body_seconds=0.2)
    with running(build_application(classifier, limits), limits) as service:
        reply = service.send_bytes(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            b"Content-Length: 10\r\n\r\n12345",
            b"6789",
            pause=1.0,
        )
    assert reply.startswith(b"HTTP/1.1 408")
    assert b"did not arrive within 0.2 seconds" in reply


def test_a_client_that_goes_away_is_counted_and_forgotten(service):
    with socket.create_connection(("127.0.0.1", service.port)) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            b"Content-Length: 10\r\n\r\n12345"
        )
    until(lambda: b'{status="499"} 1' in service.get("/metrics").body)
    assert service.get("/healthz").status == 200


def test_pixels_that_make_the_model_overflow_are_refused(tmp_path):
    model = kt.build_model(networks.tapped(), kt.heads.LinearHead(3))
    kt.save_model(networks.lively(model), tmp_path / "model.keras")
    unknown = dataclasses.replace(
        open_classifier(tmp_path / "model.keras"), pixel_range=None
    )
    with running(build_application(unknown, ServiceLimits())) as service:
        signs = np.random.default_rng(0).choice([-3e38, 3e38], (16, 16, 3))
        reply = service.post(images(pixels(1), signs.tolist()), JSON)
        assert reply.status == 422
        assert "the model returns NaN or infinity" in reply.error
        assert service.post(photograph(), "image/png").status == 200


@pytest.fixture
def held(classifier):
    """A service for two requests, and the event that lets its model go on."""
    gate, begun = threading.Event(), threading.Event()

    def run(batch):
        begun.set()
        assert gate.wait(30)
        return classifier.run(batch)

    slow = dataclasses.replace(classifier, run=run)
    limits = ServiceLimits(max_requests=2, max_batch=1)
    with running(build_application(slow, limits), limits) as service:
        yield service, gate, begun
        gate.set()


def in_background(function):
    replies = []
    thread = threading.Thread(target=lambda: replies.append(function()))
    thread.start()
    return thread, replies


def test_more_requests_than_allowed_are_told_when_to_come_again(held):
    service, gate, _ = held
    post = lambda: service.post(photograph(), "image/png")  # noqa: E731
    busy = [in_background(post) for _ in range(2)]
    metrics = b"keras_transfer_requests_in_flight 2.0"
    until(lambda: metrics in service.get("/metrics").body)
    reply = post()
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    assert "Come again in 1 second" in reply.error
    assert service.get("/healthz").status == 200
    gate.set()
    for thread, replies in busy:
        thread.join(30)
        assert replies[0].status == 200
    assert post().status == 200


def test_what_is_in_flight_is_answered_before_the_end(held):
    service, gate, begun = held
    thread, replies = in_background(
        lambda: service.post(photograph(), "image/png")
    )
    assert begun.wait(30)
    service.server.should_exit = True
    # Nobody new is let in.
    until(lambda: _is_refused(service.port))
    gate.set()
    thread.join(30)
    assert replies[0].status == 200


def _is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def mutated(body, rng):
    body = bytearray(body)
    for _ in range(rng.choice([1, 3, 30])):
        start = rng.randrange(len(body) + 1)
        end = start + rng.choice([0, 1, 1, 8, 200])
        body[start:end] = rng.randbytes(rng.choice([0, 1, 1, 8]))
    return bytes(body)


# Of a file that a form does not finish, starlette forgets the temporary one,
# which Python closes and tells.
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile")
def test_two_hundred_mutilated_requests_never_bring_it_down(service):
    rng = random.Random(7)
    small = photograph(1, (16, 16)), photograph(2, (16, 16), "JPEG")
    body, kind = form(("a.png", small[0]), ("b.jpg", small[1]))
    encoded = [base64.b64encode(file).decode() for file in small]
    seeds = [
        (body, kind),
        (images(*encoded), JSON),
        (images(pixels(3)), JSON),
        (small[0], "image/png"),
        (small[1], "image/jpeg"),
    ]
    seen = set()
    for number in range(200):
        body, kind = seeds[number % len(seeds)]
        reply = service.post(mutated(body, rng), kind)
        assert reply.status in (200, 400, 413, 422), (number, reply)
        assert reply.status == 200 or reply.error
        seen.add(reply.status)
    assert seen >= {200, 400, 422}
    for _ in range(20):
        head = mutated(b"POST /predict HTTP/1.1\r\n\r\n", rng)
        service.send_bytes(head, is_all=True)
    assert service.post(photograph(), "image/png").status == 200
