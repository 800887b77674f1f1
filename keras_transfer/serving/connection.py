"""One connection of a client, read for uvicorn's protocol.

Its state says what it waits for: `"head"` and `"body"` of a request, `"work"`
for it, the client to take the `"answer"`, the next request (`"idle"`), or the
end of what a client sends that has been refused (`"lingering"`).
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

# Of one connection at a time, so that others have their turn.
_READ_BYTES = 2**13
_HEAD_BYTES = 2**16
_TOO_LONG = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_TOO_SLOW = HTTPStatus.REQUEST_TIMEOUT
# What a lingering client may send, and where all of it goes.
_DROPPED_BYTES = 2**28
_DROPPED = bytearray(2**18)


class Connection(asyncio.BufferedProtocol):
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
            self._refuse(_TOO_LONG, f"The head is larger than {most} KiB.")
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
            self._refuse(
                _TOO_SLOW, "The head of the request did not arrive in time."
            )
        else:
            self.cut()

    def _refuse(self, status, sentence):
        """Answers what no application will see."""
        body = json.dumps({"error": sentence}).encode()
        self._transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, status.phrase.encode(), len(body), body)
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
