"""Connections of clients: how many, and for how long each may keep silent.

uvicorn waits for ever for the head of a request, and takes connections until
there are no more files to open. Here each has a time for whatever it does,
and when there are too many, those that have kept waiting longest are closed,
so that whoever sends a whole request at once is always answered.
"""

import asyncio
import json
import math
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keras_transfer.serving.body import RETRY
from keras_transfer.serving.limits import ServiceLimits

# Longer than a load balancer keeps connections, or it would meet closed ones.
KEEP_ALIVE_SECONDS = 75
_ANSWER_SECONDS = 30
# A client that is still sending when it is refused reads the answer only if
# the connection stays open meanwhile.
_LINGER_SECONDS = 10
# Of one connection at a time, so that others have their turn.
_READ_BYTES = 2**13
_HEAD_BYTES = 2**16
# What a lingering client may send, and where all of it goes.
_DROPPED_BYTES = 2**28
_DROPPED = bytearray(2**18)


class Connections:
    """All connections of a server, and the application that they talk to.

    It stands between uvicorn and the application: `create` makes the protocol
    of each connection, and calling it passes a request on.

    Args:
        application: An ASGI application.
        limits: What clients may do.
    """

    def __init__(self, application: Any, limits: ServiceLimits):
        self._application = application
        self._limits = limits
        self._seconds = {
            "idle": KEEP_ALIVE_SECONDS,
            "head": limits.head_seconds,
            "body": limits.body_seconds + 5,
            "work": math.inf,
            "answer": _ANSWER_SECONDS,
            "lingering": _LINGER_SECONDS,
        }
        # The one whose state changed first comes first.
        self._open: dict[_Connection, None] = {}

    def create(self, app_state: dict[str, Any], **arguments: Any):
        """Returns the protocol of a connection, as uvicorn asks for it."""
        connection = _Connection(self, self._limits.max_body_bytes)
        # Copied into the scope of each of its requests.
        state = {**app_state, "connection": connection}
        connection.inner = HttpToolsProtocol(app_state=state, **arguments)
        return connection

    def note(self, connection: "_Connection") -> None:
        """Notes that a connection is new, or does something else."""
        self._open.pop(connection, None)
        if connection.state == "closed":
            return
        self._open[connection] = None
        if len(self._open) > self._limits.max_connections:
            waiting = (c for c in self._open if c.state != "work")
            next(waiting).cut()

    async def watch(self) -> None:
        """Closes what takes too long; runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.25)
            now = loop.time()
            for connection in list(self._open):
                if now - connection.since > self._seconds[connection.state]:
                    connection.expire()

    async def end(self) -> None:
        """Ends all connections, which takes less than three seconds.

        What can be answered in two is answered; the rest gets status 503.
        """
        self._seconds["lingering"] = 0.5
        await asyncio.sleep(2)
        for connection in list(self._open):
            if connection.timeout is not None:
                connection.timeout.reschedule(connection.since)
        await asyncio.sleep(0.5)
        for connection in list(self._open):
            connection.cut()

    async def __call__(self, scope, receive, send):
        """Passes a request on; says when its client may go on sending."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        connection = scope["state"].pop("connection")
        connection.begin(scope)

        async def receive_noted():
            message = await receive()
            if not message.get("more_body", False):
                connection.end_body()
            return message

        async def send_noted(message):
            if message["type"] == "http.response.start":
                message = connection.begin_answer(message)
            await send(message)

        try:
            async with asyncio.timeout(None) as connection.timeout:
                await self._application(scope, receive_noted, send_noted)
        except TimeoutError:
            if connection.state in ("body", "work"):
                await _say_goodbye(send_noted)
        finally:
            connection.timeout = None
            connection.end()


class _Connection(asyncio.BufferedProtocol):
    """Reads for uvicorn's protocol, a little at a time."""

    def __init__(self, all_connections, max_body_bytes):
        self._all = all_connections
        self._most_raw = max_body_bytes + 2**20
        self._buffer = bytearray(_READ_BYTES)
        self._raw = 0
        self._is_whole = True
        self._loop = asyncio.get_running_loop()
        self.inner: Any = None
        self.timeout: asyncio.Timeout | None = None
        self.state = "head"

    def _enter(self, state):
        if self.state not in ("lingering", "closed"):
            self.state = state
            self.since = self._loop.time()
            self._raw = 0
            self._all.note(self)

    # What the event loop calls.

    def connection_made(self, transport):
        self._transport = transport
        self._enter("head")
        if self.state != "closed":
            self.inner.connection_made(_Transport(transport, self._close))

    def get_buffer(self, sizehint):
        return _DROPPED if self.state == "lingering" else self._buffer

    def buffer_updated(self, size):
        if self.state == "idle":
            self._enter("head")
        self._raw += size
        # Chunks of a byte each are six bytes each, and slow to read.
        bounds = {"body": self._most_raw, "lingering": _DROPPED_BYTES}
        if self._raw <= bounds.get(self.state, _HEAD_BYTES):
            if self.state != "lingering":
                self.inner.data_received(bytes(self._buffer[:size]))
        elif self.state == "head":
            most = _HEAD_BYTES // 1024
            self._refuse(431, f"The head is larger than {most} KiB.")
        else:
            self.cut()

    def eof_received(self):
        return None

    def pause_writing(self):
        self.inner.pause_writing()

    def resume_writing(self):
        self.inner.resume_writing()

    def connection_lost(self, error):
        self._enter_closed()
        if self.inner.transport is not None:
            self.inner.connection_lost(error)

    # What happens to its requests.

    def begin(self, scope):
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0").strip(b"0")
        self._is_whole = not length and b"transfer-encoding" not in headers
        self._enter("work" if self._is_whole else "body")

    def end_body(self):
        if not self._is_whole:
            self._is_whole = True
            self._enter("work")

    def begin_answer(self, message):
        """Returns the start of an answer; it closes what is half received."""
        self._enter("answer")
        if self._is_whole:
            return message
        headers = [*message.get("headers", []), (b"connection", b"close")]
        return {**message, "headers": headers}

    def end(self):
        self._enter("idle")

    # How it ends.

    def _close(self):
        """Closes it, but lets a client that is sending read the answer."""
        is_clean = self._is_whole and self.state != "head"
        if is_clean or self.state in ("idle", "lingering", "closed"):
            self._transport.close()
            return
        self._enter("lingering")
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    def cut(self):
        """Closes it at once."""
        self._enter_closed()
        self._transport.abort()

    def expire(self):
        """Closes it because it took too long."""
        if self.state == "head" and self._raw:
            self._refuse(408, "The head of the request did not arrive in time.")
        else:
            self.cut()

    def _refuse(self, status, sentence):
        """Answers what no application will see."""
        body = json.dumps({"error": sentence}).encode()
        self._transport.write(
            b"HTTP/1.1 %d \r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, len(body), body)
        )
        self.inner.transport.close()

    def _enter_closed(self):
        self.state = "closed"
        self._all.note(self)


class _Transport:
    """A transport that closes in its own way.

    Args:
        transport: The transport.
        close: Called instead of its `close`.
    """

    def __init__(self, transport, close):
        self._transport = transport
        self._is_closing = False
        self._close = close

    def close(self):
        self._is_closing = True
        self._close()

    def is_closing(self):
        return self._is_closing or self._transport.is_closing()

    def write(self, data):
        # After `close` there is a client that only finishes sending.
        if not self._is_closing:
            self._transport.write(data)

    def __getattr__(self, name):
        return getattr(self._transport, name)


async def _say_goodbye(send):
    sentence = "The service is shutting down. Come again in 1 second."
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
    ]
    headers += [(k.lower().encode(), v.encode()) for k, v in RETRY.items()]
    await send(
        {"type": "http.response.start", "status": 503, "headers": headers}
    )
    body = json.dumps({"error": sentence}).encode()
    await send({"type": "http.response.body", "body": body})
