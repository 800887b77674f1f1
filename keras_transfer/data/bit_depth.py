"""Colours of 8 bits out of files that have more."""

import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from keras_transfer.data.diagnosis import UnsuitableImage

# Significant bits of what cameras, scanners or microscopes write in 16 bits.
_DEPTHS = (8, 10, 12, 14, 16)
_BITS, _MOST = 258, 281  # Tags of TIFF.
# Raw modes of Pillow in which two bytes make one.
_RAW_16 = re.compile(r";16[LBN]$")
FLOATS = (
    "its pixels are floating-point numbers, whose range nobody knows; save it "
    "with 8 or 16 bits"
)


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Returns an image whose colours have 8 bits, decoded if they had more.

    Of 16 bits the upper 8 are kept. Where a file says that it uses fewer, or
    its largest value fits into 8, 10, 12 or 14, the upper 8 of these are:
    cameras and microscopes write 12 bits into 16, which would come out black.

    Args:
        image: An opened image file.

    Raises:
        UnsuitableImage: Its pixels are no such numbers.
    """
    if image.mode == "F":
        raise UnsuitableImage(FLOATS)
    if image.mode.startswith("I"):
        return _of_gray(image)
    if image.format == "BMP" and image.mode == "RGBA":
        if image.getextrema()[3] == (0, 0):
            # Written by programs that do not know of transparency.
            image.putalpha(255)
        return image
    if any(_RAW_16.search(_raw_mode(tile)) for tile in image.tile):
        return _of_colours(image)
    return image


def _of_gray(image):
    source = image.filename or image.fp
    values = np.asarray(image)
    least, most = int(values.min()), int(values.max())
    if least < 0 or most >= 2**16:
        raise UnsuitableImage(
            f"its pixels are whole numbers from {least} to {most}; save it "
            "with 8 or 16 bits"
        )
    shift = _depth(image, source, most) - 8
    return _like(image, (values >> shift).astype("uint8"))


def _of_colours(image):
    """Stretches colours of which Pillow keeps only the upper, empty byte."""
    source, tiles = image.filename or image.fp, list(image.tile)
    high = np.asarray(image)
    colours = high.shape[-1] if image.mode == "CMYK" else 3
    if high[..., :colours].max() >= 2 ** (_DEPTHS[-2] - 8):
        return image
    if not isinstance(source, str | bytes):
        source.seek(0)
    # The lower bytes are had by decoding as though their order were another.
    with Image.open(source, formats=[image.format]) as other:
        other.tile = [_of_lower_bytes(tile) for tile in tiles]
        low = np.asarray(other)
    if _raw_mode(tiles[0]) == "LA;16B":
        low = low[..., [1, 1, 1, 3]]
    values = high.astype("uint16") << 8 | low
    made = [
        piece >> (_depth(image, source, int(piece.max())) - 8)
        for piece in (values[..., :colours], values[..., colours:])
        if piece.size
    ]
    return _like(image, np.concatenate(made, -1).astype("uint8"))


def _raw_mode(tile):
    return tile.args if isinstance(tile.args, str) else str(tile.args[0])


def _of_lower_bytes(tile):
    raw = _raw_mode(tile)
    order = raw[-1]
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    swapped = raw[:-1] + {"L": "B", "B": "L"}[order]
    if raw == "LA;16B":
        # Pillow has no other order of these; as four bytes it gives both.
        swapped = "RGBA"
    if isinstance(tile.args, str):
        return tile._replace(args=swapped)
    return tile._replace(args=(swapped, *tile.args[1:]))


def _like(image, pixels):
    made = Image.fromarray(pixels, mode=image.mode if pixels.ndim > 2 else "L")
    if "exif" in image.info:
        made.info["exif"] = image.info["exif"]
    return made


def _depth(image, source, most):
    declared = None
    if image.format == "TIFF":
        declared = _declared_by_tiff(image.tag_v2)
    elif image.format == "PNG":
        declared = _declared_by_png(source)
    if declared is not None and most < 2**declared:
        return max(declared, 8)
    return next(depth for depth in _DEPTHS if most < 2**depth)


def _declared_by_tiff(tags):
    bits = max(tags.get(_BITS, (16,)))
    if bits < 16:
        return bits
    most = tags.get(_MOST)
    most = max(most) if isinstance(most, tuple) and most else most
    return most and next((d for d in _DEPTHS if most < 2**d), None)


def _declared_by_png(file):
    if isinstance(file, str | bytes):
        with open(file, "rb") as opened:
            return _declared_by_png(opened)
    for kind, length in png_chunks(file):
        if kind == b"sBIT":
            return max(file.read(min(length, 4)), default=None)
        if kind in (b"IDAT", b"IEND"):
            return None
    return None


def png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yields kind and length of the chunks of a PNG, at whose data it is."""
    start = 8
    while True:
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length
        start += 12 + length  # Length, kind, data, checksum.
