"""Images out of JSON, each piece checked before it becomes an object.

`json.loads` makes an object of everything that it reads, which of a small
text can be a hundred times as much; here a text is compared, row after row,
with the only one that the model could take.
"""

import binascii
import re
from collections.abc import Iterator

import numpy as np

from keras_transfer.serving.body import Refusal

_SPACE = rb"[ \t\r\n]*+"
_NUMBER = rb"-?+(?:0|[1-9]\d{0,17}+)(?:\.\d{1,40}+)?+(?:[eE][-+]?+\d{1,3}+)?+"
_START = re.compile(
    _SPACE + rb"\{" + _SPACE + rb'"images"' + _SPACE + rb":" + _SPACE + rb"\["
)
_END = re.compile(_SPACE + rb"\]" + _SPACE + rb"\}" + _SPACE + rb"\Z")
_SKIPPED = re.compile(_SPACE)
_OPENING = re.compile(_SPACE + rb"\[")
_COMMA = re.compile(_SPACE + rb"," + _SPACE)
_CLOSING = re.compile(_SPACE + rb"\]")
_SHOWN = 40


class JsonImages:
    """Reads `{"images": [...]}`: files in base64, or nested lists of pixels.

    Args:
        input_shape: `(height, width, channels)` of an image.
        dtype: Type of the pixels that the model takes.

    Example:
    >>> reader = JsonImages((1, 1, 3), "float32")
    >>> list(reader.read(b'{"images": ["aGk=", [[[1, 2, 3]]]]}'))
    [b'hi', array([[[1., 2., 3.]]], dtype=float32)]
    """

    def __init__(self, input_shape: tuple[int, int, int], dtype: str):
        self._shape = input_shape
        # No whole numbers, which would hide how large a pixel is.
        self._dtype = "float64" if dtype == "float64" else "float32"
        _, width, channels = input_shape
        self._row = re.compile(_listed(_listed(_NUMBER, channels), width))

    def read(self, body: bytes) -> Iterator[bytes | np.ndarray]:
        """Yields the images, with the contents of files as they are.

        Args:
            body: The JSON.

        Raises:
            Refusal: If it is anything else.
        """
        found = _START.match(body)
        if not found:
            raise _unreadable(body, 0)
        number, position = 0, found.end()
        end = _END.match(body, position)
        while not end:
            separator = (_COMMA if number else _SKIPPED).match(body, position)
            if not separator:
                raise _unreadable(body, position)
            position = separator.end()
            kind = body[position : position + 1]
            if kind == b'"':
                image, position = _file(body, position, number)
            elif kind == b"[":
                image, position = self._pixels(body, position, number)
            elif kind in (b"", b"]"):
                raise _unreadable(body, position)
            else:
                raise Refusal(
                    400,
                    f"Image {number} is neither text in base64 nor a list of "
                    f"pixels. Received: {_shown(body, position)}.",
                )
            yield image
            number += 1
            end = _END.match(body, position)

    def _pixels(self, body, position, number):
        height, width, channels = self._shape
        pixels = np.empty(self._shape, self._dtype)
        before = _OPENING
        for y in range(height):
            found = before.match(body, position)
            row = found and self._row.match(body, found.end())
            if not row:
                raise self._misshapen(number, y, body, position)
            text = row[0].translate(None, b"[] \t\r\n").decode("ascii")
            values = np.fromstring(text, sep=",")
            # What is too large for the type becomes infinity.
            with np.errstate(over="ignore"):
                pixels[y] = values.reshape(width, channels)
            if not np.isfinite(pixels[y]).all():
                raise Refusal(
                    422,
                    f"The pixels of image {number} must be finite numbers. "
                    f"Received some beyond {self._dtype} in row {y}.",
                )
            before, position = _COMMA, row.end()
        found = _CLOSING.match(body, position)
        if not found:
            raise self._misshapen(number, height, body, position)
        return pixels, found.end()

    def _misshapen(self, number, y, body, position):
        height, width, channels = self._shape
        return Refusal(
            422,
            f"The pixels of image {number} must be of shape {self._shape}: a "
            f"list of {height} rows, each of {width} pixels, each of "
            f"{channels} numbers. Received at row {y}: "
            f"{_shown(body, position)}.",
        )


def _listed(item, count):
    repeated = rb"(?:" + _SPACE + rb"," + _SPACE + item + rb"){%d}+"
    items = item + repeated % (count - 1)
    return rb"\[" + _SPACE + items + _SPACE + rb"\]"


def _file(body, position, number):
    end = body.find(b'"', position + 1)
    if end < 0:
        raise _unreadable(body, position)
    text = body[position + 1 : end]
    # Line breaks come from `base64`, the escaped slash from PHP.
    for escaped, plain in ((b"\\n", b""), (b"\\r", b""), (b"\\/", b"/")):
        text = text.replace(escaped, plain)
    if text.startswith(b"data:"):  # What a browser calls a data URL.
        text = text.partition(b",")[2]
    try:
        return binascii.a2b_base64(text, strict_mode=True), end + 1
    except binascii.Error as error:
        raise Refusal(400, f"Image {number} is not base64: {error}.") from error


def _unreadable(body, position):
    return Refusal(
        400,
        'The JSON cannot be read. Expected {"images": [...]}, each image the '
        "file in base64 or nested lists of pixels. Received at byte "
        f"{position}: {_shown(body, position)}.",
    )


def _shown(body, position):
    piece = body[position : position + _SHOWN].decode(errors="replace")
    return f"{piece!r}" if piece else "the end"
