"""Images as clients send them: found in a body, and decoded.

Nothing here is trusted, and nothing here runs in the process that answers: see
`decoders.py`.
"""

import io
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import nullcontext
from email.message import Message
from typing import NamedTuple

import numpy as np
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import FormParser

from keras_transfer.data.diagnosis import BOMBS
from keras_transfer.data.diagnosis import explain_contents
from keras_transfer.data.formats import HEAD
from keras_transfer.data.formats import LISTED
from keras_transfer.data.images import decode_file
from keras_transfer.data.pixel_range import find_misfit
from keras_transfer.serving.body import Refusal
from keras_transfer.serving.image_headers import check_header
from keras_transfer.serving.image_headers import count_pixels
from keras_transfer.serving.image_headers import count_scans
from keras_transfer.serving.json_images import JsonImages
from keras_transfer.serving.limits import ServiceLimits

_EXPECTED = (
    "Send image files as multipart/form-data (curl -F image=@photo.jpg), one "
    "file as the body with its type (curl --data-binary @photo.jpg -H "
    "'Content-Type: image/jpeg'), or JSON: {\"images\": [...]}, each the file "
    "in base64 or nested lists of pixels."
)
_LONGEST_NAME = 200
# Progressive files have about ten. Each takes as long as decoding all pixels.
_MOST_SCANS = 100


class Pixels(NamedTuple):
    """One image, ready for the model.

    Args:
        name: Its file name, or its number.
        values: The pixels.
        warning: What may be wrong with them.
    """

    name: str
    values: np.ndarray
    warning: str | None = None


class Uploads:
    """Reads bodies for one model.

    Args:
        input_shape: `(height, width, channels)` of an image.
        color_mode: What photographs are decoded to.
        dtype: Type of the pixels.
        pixel_range: Smallest and largest pixel, where somebody recorded it.
        limits: What clients may send.
        lock: Called with the bytes that decoding may take, it returns a
            context to do it in.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        color_mode: str,
        dtype: str,
        pixel_range: tuple[float, float] | None,
        limits: ServiceLimits,
        lock: Callable[[int], AbstractContextManager] = nullcontext,
    ):
        self._size = tuple(input_shape[:2])
        self._color_mode = color_mode
        self._dtype = dtype
        self._range = pixel_range
        self._limits = limits
        self._lock = lock
        self._json = JsonImages(tuple(input_shape), dtype)

    def read(self, body: bytes, content_type: str) -> Iterator[Pixels]:
        """Yields the images of a body, at least one.

        Args:
            body: The body.
            content_type: What its sender says that it is.

        Raises:
            Refusal: If there is none, or one that cannot be read.
        """
        found = self._find(body, content_type)
        uploads = []
        for upload in found:
            if len(uploads) == self._limits.max_images:
                raise Refusal(
                    413,
                    f"There are more than {len(uploads)} images in the "
                    f"request. Send at most {len(uploads)} at a time.",
                )
            uploads.append(upload)
        if not uploads:
            raise Refusal(400, f"There is no image in the request. {_EXPECTED}")
        self._check_sum([contents for _, contents in uploads])
        for name, contents in uploads:
            if isinstance(contents, np.ndarray):
                yield Pixels(name, contents, self._warning(name, contents))
            else:
                yield Pixels(name, self._decoded(name, contents))

    def _find(self, body, content_type):
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return _from_form(body, content_type)
        if kind == "application/json":
            images = enumerate(self._json.read(body))
            return ((str(number), image) for number, image in images)
        if kind.startswith("image/") or kind == "application/octet-stream":
            return iter([("0", body)])
        raise Refusal(415, f"Unknown Content-Type {kind!r}. {_EXPECTED}")

    def _check_sum(self, images):
        most = self._limits.max_request_pixels
        total = 0
        if len(images) > 1:
            height, width = self._size
            total = sum(
                height * width
                if isinstance(image, np.ndarray)
                else count_pixels(image)
                for image in images
            )
        if total > most:
            raise Refusal(
                413,
                f"The images have {total / 1e6:g} megapixels together. Send at "
                f"most {most / 1e6:g} megapixels at a time.",
            )

    def _decoded(self, name, contents):
        scans = count_scans(contents)
        if scans > _MOST_SCANS:
            raise Refusal(
                422,
                f"The JPEG {name!r} comes in {scans} scans. Expected at most "
                f"{_MOST_SCANS}; save it without the progressive option.",
            )
        # Broken files make Pillow raise nearly anything; all of it is an
        # answer.
        needed = 0
        try:
            needed = check_header(contents, self._limits.max_pixels)
            with self._lock(needed):
                return decode_file(
                    io.BytesIO(contents),
                    self._size,
                    self._color_mode,
                    self._limits.max_pixels,
                )
        except Exception as error:
            reason = explain_contents(contents[:HEAD], error)
            status, mend = 422, f"Send a {LISTED} file"
            limit = self._limits.max_decoder_bytes
            if isinstance(error, BOMBS):
                most = self._limits.max_pixels
                status, mend = 413, f"Send at most {most / 1e6:g} megapixels"
            elif needed > limit:
                # Of the libraries, some say that the file is broken.
                if isinstance(error, MemoryError):
                    reason = "it is large"
                reason += f"; decoding it may take over {limit / 2**20:g} MiB"
                status, mend = 413, "Send a smaller one, or a JPEG"
            raise Refusal(
                status, f"The image {name!r} cannot be read: {reason}. {mend}."
            ) from error

    def _warning(self, name, pixels):
        if self._range is None:
            return None
        low, high = self._range
        misfit = find_misfit(pixels, self._range)
        if misfit is not None and misfit.is_outside:
            raise Refusal(422, f"Image {name}: {misfit.sentence}")
        least, most = float(pixels.min()), float(pixels.max())
        if least < low or most > high:
            raise Refusal(
                422,
                f"The pixels of image {name} must lie between {low:g} and "
                f"{high:g}. Received: {least:g} to {most:g}.",
            )
        return None if misfit is None else misfit.sentence


def _from_form(body, content_type):
    header = Message()
    header["Content-Type"] = content_type
    files = []

    def refuse(field):
        name = _printable(field.field_name)
        raise Refusal(
            400,
            f"The field {name!r} holds text, not a file. Send files, as curl "
            f"-F {name!r}=@photo.jpg does.",
        )

    boundary = header.get_boundary()
    if not boundary:
        raise Refusal(400, f"The multipart form has no boundary. {_EXPECTED}")
    is_complete = []
    parser = FormParser(
        "multipart/form-data",
        refuse,
        files.append,
        lambda: is_complete.append(True),
        boundary=boundary.encode(),
        config={"MAX_MEMORY_FILE_SIZE": len(body)},
    )
    count = 0
    # In pieces, so that of very many files only the first are looked at.
    for start in range(0, len(body), 2**16):
        try:
            parser.write(body[start : start + 2**16])
        except FormParserError as error:
            raise Refusal(
                400, f"The multipart form is broken: {error}. {_EXPECTED}"
            ) from error
        while files:
            file = files.pop(0)
            name = _printable(file.file_name) or str(count)
            yield name, file.file_object.getvalue()
            count += 1
    if not is_complete:
        raise Refusal(
            400,
            "The multipart form ends before its last boundary. Send all of it.",
        )


def _printable(name):
    return (name or b"").decode(errors="replace")[:_LONGEST_NAME]
