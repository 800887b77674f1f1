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
from keras_transfer.serving.connection import Connection
from keras_transfer.serving.limits import ServiceLimits

# Longer than a load balancer keeps connections, or it would meet closed ones.
KEEP_ALIVE_SECONDS = 75
_ANSWER_SECONDS = 30
# A client that is still sending when it is refused reads the answer only if
# the connection stays open meanwhile.
_LINGER_SECONDS = 10


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
        self._open: dict[Connection, None] = {}

    def create(self, app_state: dict[str, Any], **arguments: Any):
        """Returns the protocol of a connection, as uvicorn asks for it."""
        connection = Connection(self, self._limits.max_body_bytes)
        # Copied into the scope of each of its requests.
        state = {**app_state, "connection": connection}
        connection.inner = HttpToolsProtocol(app_state=state, **arguments)
        return connection

    def note(self, connection: Connection) -> None:
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
