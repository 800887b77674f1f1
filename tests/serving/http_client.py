"""Requests to a service under test, over real sockets."""

import contextlib
import http.client
import io
import json
import socket
import threading
import time
from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.running import build_server


class Reply(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


class Service:
    """An application that is running, and how it is asked."""

    def __init__(self, port, server=None):
        self.port = port
        self.server = server

    def get(self, path):
        return self.send("GET", path)

    def post(self, body, content_type, path="/predict", **headers):
        given = {"Content-Type": content_type} if content_type else {}
        return self.send("POST", path, body, {**given, **headers})

    def post_files(self, *files, path="/predict"):
        return self.post(*form(*files), path)

    def post_json(self, value, path="/predict"):
        return self.post(json.dumps(value).encode(), "application/json", path)

    def send(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60
        )
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            return _reply(connection.getresponse())

    def send_bytes(self, *pieces, pause=0.0, is_all=False):
        """Sends what may be no HTTP at all; returns what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as raw:
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(pause)
                raw.sendall(piece)
            if is_all:
                # What is waiting for more learns that there is none.
                raw.shutdown(socket.SHUT_WR)
            return raw.recv(1 << 16)


def _reply(response):
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


@contextlib.contextmanager
def running(application, limits=None):
    """Runs an application in a thread; finishes what is in flight."""
    server = build_server(application, limits or ServiceLimits())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [taken]}
        )
        thread.start()
        until(lambda: server.started)
        try:
            yield Service(taken.getsockname()[1], server)
        finally:
            server.should_exit = True
            thread.join(60)


def until(condition, seconds=60):
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.005)


def form(*files, field="image"):
    """Returns body and type of a form with `(name, bytes)` files."""
    boundary = b"fence"
    parts = [
        b"--%s\r\nContent-Disposition: form-data; "
        b'name="%s"; filename="%s"\r\n\r\n%s\r\n'
        % (boundary, field.encode(), name.encode(), contents)
        for name, contents in files
    ]
    body = b"".join([*parts, b"--%s--\r\n" % boundary])
    return body, f"multipart/form-data; boundary={boundary.decode()}"


def photograph(seed=0, size=(20, 30), format="PNG"):
    """Returns the bytes of an image file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), "uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format)
    return file.getvalue()
