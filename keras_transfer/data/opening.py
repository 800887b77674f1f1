"""Opening of image files, whatever their format.

Whoever reads a photograph opens it here, so that what one command can read,
every other can as well.
"""

import functools
import io
import os
from collections.abc import Callable
from typing import Any
from typing import BinaryIO

from PIL import Image

from keras_transfer.data.bit_depth import FLOATS
from keras_transfer.data.bit_depth import png_chunks
from keras_transfer.data.diagnosis import UnsuitableImage
from keras_transfer.data.formats import FORMATS
from keras_transfer.data.formats import HEAD
from keras_transfer.data.formats import format_of

_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
# Tags of TIFF.
_BITS, _BANDS, _PLANES, _KIND = 258, 277, 284, 339
_MOST_TAGS = 1000
_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}


def with_image(
    file: str | os.PathLike | BinaryIO, use: Callable[[Image.Image], Any]
) -> Any:
    """Returns what a function returns for an opened image file.

    Args:
        file: A path, or an open file.
        use: Receives the image, which is closed afterwards.

    Raises:
        UnsuitableImage: It is sound, and cannot be read here.
        Exception: Nearly anything where the file is broken.
    """
    kind = format_of(_head(file))
    formats = FORMATS
    if kind == "HEIC":
        _open_heic()
    else:
        # Which Pillow knows only once it was registered.
        formats = [format for format in FORMATS if format != "HEIF"]
    if kind == "TIFF":
        if isinstance(file, str | os.PathLike):
            # Pillow maps a file with a name into memory, and takes its rows
            # for columns where it lies on its side.
            with open(file, "rb") as opened:
                return with_image(opened, use)
        _check_tiff(file)
    try:
        with Image.open(file, formats=formats) as image:
            return use(image)
    except ValueError as error:
        if "MAX_TEXT_" not in str(error):
            raise
    # A PNG is sound whatever its texts and colour profile hold, which Pillow
    # refuses to unpack.
    with Image.open(_without_texts(file), formats=formats) as image:
        return use(image)


def _head(file):
    if not isinstance(file, str | os.PathLike):
        file.seek(0)
        head = file.read(HEAD)
        file.seek(0)
        return head
    with open(file, "rb") as opened:
        return opened.read(HEAD)


@functools.cache
def _open_heic():
    try:
        import pillow_heif
    except ImportError:
        raise UnsuitableImage(
            "HEIC files are read by a package that is not installed: "
            "pip install 'keras-transfer[heic]'"
        ) from None
    pillow_heif.register_heif_opener(thumbnails=False)


def _check_tiff(file):
    """Raises for a sound TIFF whose pixels are no photograph's."""
    tags = _tags(file)
    bands = tags.get(_BANDS, (1,))[0]
    if bands > 4:
        raise UnsuitableImage(
            f"it has {bands} bands, where photographs have 1 to 4; save those "
            "of red, green and blue"
        )
    if 3 in tags.get(_KIND, ()):
        raise UnsuitableImage(FLOATS)
    depth = max(tags.get(_BITS, (1,)))
    if depth > 32 or (depth > 16 and bands > 1):
        raise UnsuitableImage(
            f"its pixels have {depth} bits; save it with 8 or 16"
        )
    if depth > 8 and bands > 1 and tags.get(_PLANES) == (2,):
        # Pillow takes the bytes of these for pixels.
        raise UnsuitableImage(
            f"its colours lie in separate planes of {depth} bits; save it "
            "with the colours of a pixel together"
        )


def _tags(file):
    """Returns the numbers of the first directory of a TIFF, by tag.

    Pillow fetches what all the tags point at, which can be the whole file for
    each of thousands; so they are looked at before.
    """
    file.seek(0)
    head = file.read(16)
    order = "little" if head[:2] == b"II" else "big"
    number = functools.partial(int.from_bytes, byteorder=order)
    is_big = number(head[2:4]) == 43
    size, counted, wide = (20, 8, 8) if is_big else (12, 2, 4)
    file.seek(number(head[8:16] if is_big else head[4:8]))
    count = number(file.read(counted))
    if count > _MOST_TAGS:
        raise SyntaxError(f"{count} tags")
    entries = file.read(count * size)
    end = file.seek(0, os.SEEK_END)
    found, total = {}, 0
    for start in range(0, len(entries) - size + 1, size):
        entry = entries[start : start + size]
        tag, kind = number(entry[:2]), number(entry[2:4])
        length = number(entry[4 : 4 + wide])
        bytes_each = _BYTES.get(kind, 1)
        total += length * bytes_each
        if kind not in (3, 4) or length > 64:
            continue
        values = entry[4 + wide :]
        if length * bytes_each > wide:
            file.seek(number(values))
            values = file.read(length * bytes_each)
        found[tag] = tuple(
            number(values[i * bytes_each : (i + 1) * bytes_each])
            for i in range(length)
        )
    file.seek(0)
    if total > 2 * end + 2**16:
        raise SyntaxError("tags that point at more than there is")
    return found


def _without_texts(file):
    if isinstance(file, str | os.PathLike):
        with open(file, "rb") as opened:
            return _without_texts(opened)
    kept = [b"\x89PNG\r\n\x1a\n"]
    for kind, length in png_chunks(file):
        if kind not in _TEXTS:
            start = file.tell() - 8
            file.seek(start)
            kept.append(file.read(12 + length))
    return io.BytesIO(b"".join(kept))
