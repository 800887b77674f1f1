"""Images as clients send them, out of a request's body."""

import asyncio
import base64
import json
from concurrent.futures import Executor
from typing import Any
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.refusal import Refusal

_EXPECTED = (
    "Send image files as multipart/form-data (curl -F image=@photo.jpg), one "
    "file as the body with its type (curl --data-binary @photo.jpg -H "
    "'Content-Type: image/jpeg'), or JSON: {\"images\": [...]}, each the file "
    "in base64 or nested lists of pixels."
)


class Upload(NamedTuple):
    """One image as it was sent.

    Args:
        name: File name, or its number.
        contents: Bytes of an image file, or nested lists of pixels.
    """

    name: str
    contents: bytes | list[Any]


async def read_uploads(
    request: Request, limits: ServiceLimits, pool: Executor
) -> list[Upload]:
    """Returns the images of a request, at least one.

    Args:
        request: Receives a body that is limited already.
        limits: How many images there may be.
        pool: Parses JSON.

    Raises:
        Refusal: If there is no image, or not in one of the ways that are
            known.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(
            415, "Compressed requests are not read. Send it as it is."
        )
    kind = request.headers.get("content-type", "").partition(";")[0]
    kind = kind.strip().lower()
    if kind == "multipart/form-data":
        uploads = await _from_form(request, limits)
    elif kind == "application/json":
        body = await request.body()
        loop = asyncio.get_running_loop()
        uploads = await loop.run_in_executor(pool, _from_json, body, limits)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        uploads = [Upload("0", await request.body())]
    else:
        raise Refusal(415, f"Unknown Content-Type {kind!r}. {_EXPECTED}")
    if not uploads:
        raise Refusal(400, f"There is no image in the request. {_EXPECTED}")
    return uploads


async def _from_form(request, limits):
    uploads = []
    try:
        async with request.form(
            max_files=limits.max_images, max_fields=limits.max_images
        ) as form:
            for field, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    raise Refusal(
                        400,
                        f"The field {field!r} holds text, not a file. Send "
                        f"files, as curl -F {field!r}=@photo.jpg does.",
                    )
                name = value.filename or str(len(uploads))
                uploads.append(Upload(_printable(name), await value.read()))
    except HTTPException as error:
        raise Refusal(
            400, f"{error.detail.rstrip('.')}. {_EXPECTED}"
        ) from error
    except UnicodeError as error:
        # The client chooses the encoding of the names; some fail in odd ways.
        raise Refusal(
            400, f"Names in the form cannot be decoded. {_EXPECTED}"
        ) from error
    return uploads


def _from_json(body, limits):
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The JSON cannot be read: {error}.") from error
    images = value.get("images") if isinstance(value, dict) else None
    if not isinstance(images, list):
        raise Refusal(400, f"The JSON holds no list 'images'. {_EXPECTED}")
    if len(images) > limits.max_images:
        raise Refusal(
            413,
            f"There are {len(images)} images in the request. Send at most "
            f"{limits.max_images} at a time.",
        )
    return [
        Upload(str(number), _contents(number, image))
        for number, image in enumerate(images)
    ]


def _contents(number, image):
    if isinstance(image, list):
        return image
    if not isinstance(image, str):
        raise Refusal(
            400,
            f"Image {number} is neither text in base64 nor a list of pixels. "
            f"{_EXPECTED}",
        )
    # What a browser calls a data URL; line breaks come from `base64`.
    encoded = image.partition(",")[2] if image.startswith("data:") else image
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError as error:
        raise Refusal(400, f"Image {number} is not base64: {error}.") from error


def _refuse_constant(text):
    raise ValueError(f"{text} is not a number of JSON")


def _printable(name):
    return name.encode(errors="replace").decode()
