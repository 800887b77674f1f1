"""What a service allows one client, or all of them together."""

import dataclasses
import numbers


@dataclasses.dataclass(frozen=True)
class ServiceLimits:
    """Limits of a service; a request beyond one is refused with a sentence.

    Args:
        max_body_bytes: Size of a request. Defaults to 20 MiB.
        max_pixels: Width times height of an image, which is read from its
            header before anything is decoded. Defaults to 50 million.
        max_images: Images in one request. Defaults to 64.
        max_requests: Requests that are worked on at the same time; further
            ones are told to come again (status 503). Their bodies, and what
            decoding them takes, are in memory. Defaults to 32.
        max_batch: Images that the model computes together. Defaults to 16.
        max_wait_ms: Milliseconds that a batch waits for more images before it
            is computed. Defaults to 5.
        body_seconds: Seconds that a client may take to send its request.
            Defaults to 30.

    Example:
    >>> ServiceLimits(max_batch=0)
    Traceback (most recent call last):
    ...
    ValueError: `max_batch` must be a whole number of at least 1. Received: 0.
    """

    max_body_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    max_images: int = 64
    max_requests: int = 32
    max_batch: int = 16
    max_wait_ms: float = 5.0
    body_seconds: float = 30.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("max_wait_ms", "body_seconds"):
                if not isinstance(value, numbers.Real) or not value >= 0:
                    raise ValueError(
                        f"`{field.name}` must be a number from 0. Received: "
                        f"{value!r}."
                    )
            elif (
                not isinstance(value, int)
                or isinstance(value, bool)
                or value < 1
            ):
                raise ValueError(
                    f"`{field.name}` must be a whole number of at least 1. "
                    f"Received: {value!r}."
                )
