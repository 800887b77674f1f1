"""A process that answers HTTP until it is told to stop."""

import signal
import socket
import threading
from typing import Any

import uvicorn

# Longer than a load balancer keeps connections, or it would meet closed ones.
_KEEP_ALIVE_SECONDS = 75
# What is in flight when the signal comes has this long to be answered.
_GRACE_SECONDS = 30


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


def run_until_stopped(application: Any, taken: socket.socket) -> None:
    """Answers until SIGTERM or SIGINT, then finishes what is in flight.

    Args:
        application: An ASGI application.
        taken: A bound socket, which is closed at the end.

    Raises:
        KeyboardInterrupt: After SIGINT.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    is_main = threading.current_thread() is threading.main_thread()
    # uvicorn raises the signal again once all is done, which would count as
    # being killed.
    previous = signal.signal(signal.SIGTERM, _ignore) if is_main else None
    try:
        server.run(sockets=[taken])
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, previous)


def _ignore(number, frame):
    pass


def _cannot_listen(host, port, reason):
    return (
        f"Cannot listen on {host} port {port}: {reason}. Choose another with "
        "--port or --host."
    )
