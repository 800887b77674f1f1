"""What a service allows one client, or all of them together."""

import dataclasses
import numbers

from keras_transfer.names import check_whole_number


@dataclasses.dataclass(frozen=True)
class ServiceLimits:
    """Limits of a service; a request beyond one is refused with a sentence.

    With the defaults, clients can make a service take at most 500 MB more
    than the model does: the bodies, what decoders take, and the images
    that wait for the model.

    Args:
        max_body_bytes: Size of a request. Defaults to 20 MiB.
        max_held_bytes: Size of all requests together that are arriving or
            worked on. Defaults to 64 MiB.
        max_pixels: Width times height of an image, which is read from its
            header before anything is decoded. Defaults to 50 million.
        max_request_pixels: Width times height of all images of a request
            together. Defaults to 100 million; `max_decoders` times as many
            are decoded at the same time.
        max_images: Images in one request. Defaults to 64.
        max_requests: Requests that are worked on at the same time; further
            ones are told to come again (status 503). Defaults to 32.
        max_connections: Connections that are open at the same time. For
            further ones, those that have sent nothing, or too little, for the
            longest time are closed. Defaults to 256.
        max_decoders: Processes that decode images. Defaults to 2.
        max_decoder_bytes: Memory that each of them may take for a request,
            where the operating system can limit it; large images are decoded
            one at a time. Defaults to 288 MiB.
        max_batch: Images that the model computes together. Defaults to 16.
        max_wait_ms: Milliseconds that a batch waits for more images before it
            is computed. Defaults to 5.
        head_seconds: Seconds that a client may take to send the head of its
            request. Defaults to 10.
        body_seconds: Seconds that a client may take to send its body.
            Defaults to 30.
        decode_seconds: Seconds that decoding an image may take, and that a
            request waits for a decoder. Defaults to 10.

    Example:
    >>> import keras_transfer as kt
    >>> kt.ServiceLimits(max_batch=0)
    Traceback (most recent call last):
    ...
    ValueError: `max_batch` must be a whole number of at least 1. Received: 0.
    """

    max_body_bytes: int = 20 * 2**20
    max_held_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_request_pixels: int = 100_000_000
    max_images: int = 64
    max_requests: int = 32
    max_connections: int = 256
    max_decoders: int = 2
    max_decoder_bytes: int = 288 * 2**20
    max_batch: int = 16
    max_wait_ms: float = 5.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    decode_seconds: float = 10.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not field.name.endswith(("_ms", "_seconds")):
                check_whole_number(field.name, value, least=1)
            elif not isinstance(value, numbers.Real) or not value >= 0:
                raise ValueError(
                    f"`{field.name}` must be a number from 0. Received: "
                    f"{value!r}."
                )
