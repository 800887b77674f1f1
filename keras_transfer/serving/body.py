"""A request's body as it arrives, within limits."""

import asyncio
import time
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.refusal import Refusal


class Body:
    """Stands in for `receive`, and refuses what is too long or too slow.

    Args:
        request: The request.
        limits: What it may be.
    """

    def __init__(self, request: Request, limits: ServiceLimits):
        self._receive: Callable[[], Awaitable[Any]] = request.receive
        self._limits = limits
        self._deadline = time.monotonic() + limits.body_seconds
        self._received = 0
        self._is_complete = False
        declared = request.headers.get("content-length", "")
        # Python refuses to read numbers of thousands of digits.
        self._declared = int(declared[:20]) if declared.isdecimal() else 0

    def check_declared(self) -> None:
        """Refuses a request that is said to be too long.

        Raises:
            Refusal: With status 413.
        """
        if self._declared > self._limits.max_body_bytes:
            raise self._too_long()

    async def __call__(self) -> dict[str, Any]:
        """Returns the next message.

        Raises:
            Refusal: If the body is too long or takes too long.
        """
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408,
                "The request did not arrive within "
                f"{self._limits.body_seconds:g} seconds. Send it again, in "
                "smaller parts.",
            ) from None
        self._received += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._received > self._limits.max_body_bytes:
            raise self._too_long()
        return message

    def _too_long(self):
        limit = self._limits.max_body_bytes / 2**20
        return Refusal(
            413,
            f"The request is larger than {limit:g} MiB. Send smaller images, "
            "or fewer at a time.",
        )
