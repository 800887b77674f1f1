"""A process that answers HTTP until it is told to stop, and logs little."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any
from typing import TextIO

import uvicorn

from keras_transfer.serving.connections import KEEP_ALIVE_SECONDS
from keras_transfer.serving.connections import Connections
from keras_transfer.serving.limits import ServiceLimits

_LOGGERS = ("uvicorn.error", "asyncio", "python_multipart", __package__)
_MOST_LINES = 20
_MOST_CHARACTERS = 2_000
# By then all connections have ended, see `Connections.end`.
_GRACE_SECONDS = 3
# Connections that wait to be accepted, and how many are in a row: others wait
# meanwhile.
_BACKLOG = 2048
_ACCEPTED = 64


def bind(host: str, port: int) -> socket.socket:
    """Takes an address, so that whether it is free is known from the start.

    Args:
        host: Name or number of an interface of this machine.
        port: 0 for any that is free.

    Raises:
        ValueError: If the address cannot be had.
    """
    if not 0 <= port < 65536:
        # The C library would take the rest of a division for the port.
        raise ValueError(_cannot_listen(host, port, "there is no such port"))
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(_cannot_listen(host, port, reason)) from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        reason = error.strerror or error
        raise ValueError(_cannot_listen(host, port, reason)) from error
    return taken


def build_server(application: Any, limits: ServiceLimits) -> uvicorn.Server:
    """Returns a server that no client can keep from answering others.

    Args:
        application: An ASGI application.
        limits: What clients may do.
    """
    return _Server(Connections(application, limits))


def run_until_stopped(
    application: Any, taken: socket.socket, limits: ServiceLimits
) -> None:
    """Answers until SIGTERM or SIGINT, then for three more seconds at most.

    In the main thread it ends the process after SIGTERM, with exit code 0.

    Args:
        application: An ASGI application.
        taken: A bound socket, which is closed at the end.
        limits: What clients may do.

    Raises:
        KeyboardInterrupt: After SIGINT.
    """
    bound_logs()
    server = build_server(application, limits)
    is_main = threading.current_thread() is threading.main_thread()
    # uvicorn raises the signal again once all is done, which would count as
    # being killed.
    previous = signal.signal(signal.SIGTERM, _ignore) if is_main else None
    try:
        server.run(sockets=[taken])
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, previous)
    if is_main:
        # Runtimes take seconds to end, and some crash where a model still
        # computes what nobody waits for.
        sys.stdout.flush()
        os._exit(0)


class _Server(uvicorn.Server):
    """uvicorn, watching its connections."""

    def __init__(self, connections):
        super().__init__(
            uvicorn.Config(
                connections,
                http=connections.create,
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=_ACCEPTED,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._connections = connections

    async def startup(self, sockets=None):
        await super().startup(sockets)
        for taken in sockets or []:
            taken.listen(_BACKLOG)
        self._watch = asyncio.create_task(self._connections.watch())

    async def shutdown(self, sockets=None):
        end = asyncio.create_task(self._connections.end())
        await super().shutdown(sockets)
        end.cancel()
        self._watch.cancel()


def _ignore(number, frame):
    pass


def _cannot_listen(host, port, reason):
    return (
        f"Cannot listen on {host} port {port}: {reason}. Choose another with "
        "--port or --host."
    )


class BoundedHandler(logging.Handler):
    """Writes at most twenty records in a minute, and counts the others.

    Control characters are escaped, long records are cut.

    Args:
        file: What is written to. Defaults to stderr.
        seconds: After how long it begins to count anew. Defaults to 60.
    """

    def __init__(self, file: TextIO | None = None, seconds: float = 60):
        super().__init__(logging.WARNING)
        self._file = file or sys.stderr
        self._seconds = seconds
        self._end = 0.0
        self._count = 0

    def emit(self, record):
        now = time.monotonic()
        if now >= self._end:
            if self._count > _MOST_LINES:
                self._write(f"{self._count - _MOST_LINES} more messages")
            self._end, self._count = now + self._seconds, 0
        self._count += 1
        if self._count <= _MOST_LINES:
            self._write(self.format(record))

    def _write(self, text):
        lines = text[:_MOST_CHARACTERS].splitlines()
        shown = [
            "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
            for line in lines
        ]
        # A closed stderr is no reason to stop answering.
        try:
            print(*shown, sep="\n", file=self._file, flush=True)
        except (OSError, ValueError):
            pass


def bound_logs() -> None:
    """Lets what serves write through one bounded handler."""
    handler = BoundedHandler()
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
