"""A request's body as it arrives, within limits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from keras_transfer.serving.limits import ServiceLimits

RETRY = {"Retry-After": "1"}


class Refusal(Exception):
    """Ends a request with a status and one sentence.

    Args:
        status: The HTTP status.
        sentence: What is wrong and how to mend it.
        headers: Further headers of the response.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(sentence)
        self.status = status
        self.headers = headers


class Bodies:
    """Reads bodies, none of them too long, nor all of them together.

    When all together are too large, the one that has been arriving for the
    longest time is refused: clients that send slowly, or stop halfway, cannot
    keep others out.

    Args:
        limits: What bodies may be.
    """

    def __init__(self, limits: ServiceLimits):
        self._limits = limits
        self._arriving: dict[_Arrival, None] = {}
        self._held = 0

    @contextlib.asynccontextmanager
    async def read(
        self,
        receive: Callable[[], Awaitable[Any]],
        headers: Mapping[str, str],
    ) -> AsyncIterator[bytearray]:
        """Yields a body, which counts as held until the context ends.

        Args:
            receive: Returns the next ASGI message.
            headers: Of the request.

        Raises:
            Refusal: If it is too long or too slow, or the client is gone.
        """
        declared = headers.get("content-length", "")
        # Python refuses to read numbers of thousands of digits.
        if declared.isdecimal() and int(declared[:20]) > self._most():
            raise self._too_long()
        body, arrival = bytearray(), _Arrival()
        try:
            await self._fill(body, arrival, receive)
            yield body
        finally:
            self._held -= arrival.held

    async def _fill(self, body, arrival, receive):
        seconds = self._limits.body_seconds
        self._arriving[arrival] = None
        try:
            async with asyncio.timeout(seconds) as arrival.timeout:
                is_complete = False
                while not is_complete:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        # Nobody is there to read it; the count shows it.
                        raise Refusal(499, "The client went away.")
                    piece = message.get("body", b"")
                    body += piece
                    arrival.held += len(piece)
                    self._held += len(piece)
                    if len(body) > self._most():
                        raise self._too_long()
                    is_complete = not message.get("more_body", False)
                    if self._held > self._limits.max_held_bytes:
                        self._refuse_the_slowest(arrival)
        except TimeoutError:
            if arrival.is_crowded_out:
                raise _crowded_out() from None
            raise Refusal(
                408,
                f"The request did not arrive within {seconds:g} seconds. Send "
                "it again, in smaller parts.",
            ) from None
        finally:
            del self._arriving[arrival]

    def _refuse_the_slowest(self, current):
        waiting = (a for a in self._arriving if not a.is_crowded_out)
        slowest = next(waiting, current)
        if slowest is current:
            raise _crowded_out()
        slowest.is_crowded_out = True
        self._held -= slowest.held
        slowest.held = 0
        slowest.timeout.reschedule(asyncio.get_running_loop().time())

    def _most(self):
        return self._limits.max_body_bytes

    def _too_long(self):
        return Refusal(
            413,
            f"The request is larger than {self._most() / 2**20:g} MiB. Send "
            "smaller images, or fewer at a time.",
        )


class _Arrival:
    """A body on its way."""

    timeout: asyncio.Timeout
    held = 0
    is_crowded_out = False


def _crowded_out():
    return Refusal(
        503, "Too much is being sent at once. Come again in 1 second.", RETRY
    )
