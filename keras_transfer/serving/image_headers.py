"""What decoding an image file will take, told by its header."""

import io

from PIL import Image

from keras_transfer.data.opening import with_image

# WebP takes as many: two canvases, a copy, and the image.
_BYTES_OF_A_PIXEL = 16


def count_pixels(contents: bytes) -> int:
    """Returns width times height, or 0 where the header is unreadable.

    Args:
        contents: An image file.
    """
    width, height = _webp_size(contents) or _size(contents)
    return width * height


def check_header(contents: bytes, max_pixels: int) -> int:
    """Returns the most memory in bytes that decoding an image file takes.

    Args:
        contents: The image file.
        max_pixels: Most pixels that it may have.

    Raises:
        PIL.Image.DecompressionBombError: If it has more.
    """
    count = count_pixels(contents)
    if count > max_pixels:
        raise Image.DecompressionBombError(f"{count} pixels")
    return _BYTES_OF_A_PIXEL * count


def count_scans(contents: bytes) -> int:
    """Returns how often a JPEG goes over all of its pixels; 1 for others.

    Args:
        contents: An image file.
    """
    is_jpeg = contents.startswith(b"\xff\xd8")
    return contents.count(b"\xff\xda") if is_jpeg else 1


def _size(contents):
    # Pillow raises nearly anything; decoding the file will tell.
    try:
        return with_image(io.BytesIO(contents), lambda image: image.size)
    except Exception:
        return 0, 0


def _webp_size(contents):
    """Returns the size of a WebP file, which Pillow decodes to open it."""
    if contents[:4] != b"RIFF" or contents[8:12] != b"WEBP":
        return None
    kind = contents[12:16]
    start = {b"VP8X": 24, b"VP8L": 21}.get(kind, 26)
    bits = int.from_bytes(contents[start : start + 6], "little")
    if kind == b"VP8X":
        return 1 + (bits & 0xFFFFFF), 1 + (bits >> 24)
    if kind == b"VP8L":
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return bits & 0x3FFF, bits >> 16 & 0x3FFF
