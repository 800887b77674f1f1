"""Decoding of one image file into pixels.

Training, validation, prediction: every pixel comes through `decode`, so that
a prediction on one photograph sees what training saw, bit for bit. Pillow
does it rather than TensorFlow, which ignores the camera's orientation, shows
the colours hidden under transparency or misreads the palettes of BMP files.
"""

import os
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from keras_transfer.data.bit_depth import in_eight_bits
from keras_transfer.data.diagnosis import explain_unreadable
from keras_transfer.data.opening import with_image
from keras_transfer.data.resizing import reduction
from keras_transfer.data.resizing import squeeze

DEFAULT_SIZE = (224, 224)
# How a file becomes pixels. A change here makes stored features stale.
RESIZING = "averaged while 5/3 is left, then bilinear, to scale"
PILLOW_MODES = {"rgb": "RGB", "grayscale": "L", "rgba": "RGBA"}
CHANNELS = {"rgb": 3, "grayscale": 1, "rgba": 4}
COLOR_MODES = {channels: mode for mode, channels in CHANNELS.items()}

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(
    path: str | os.PathLike,
    image_size: int | tuple[int, int] | None = None,
    color_mode: str = "rgb",
) -> np.ndarray:
    """Reads one photograph exactly as the training pipeline reads it.

    The photograph is turned upright as the camera noted, laid on white where
    it is transparent, then squeezed to `image_size` by the bilinear
    interpolation that is Keras's default. One that is far larger is averaged
    over squares of 2, 4 or more pixels first, which for a JPEG costs less than
    decoding all of it. Pixels are never rescaled to 0-1.

    Args:
        path: A JPEG, PNG, GIF (first frame), BMP, WebP, TIFF (first page),
            AVIF or HEIC file; the last one needs the extra
            `keras-transfer[heic]`. Of 16 bits per colour the upper 8 of those
            that the file uses are kept.
        image_size: `(height, width)` in pixels, or one number for a square.
            Defaults to 224 by 224.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`. Defaults to `"rgb"`.

    Returns:
        Array of float32 between 0 and 255, shape `(height, width, channels)`.

    Raises:
        ValueError: The file is missing, empty, corrupt or not an image; or
            an argument is out of range.

    Example:
    >>> import keras_transfer as kt
    >>> pixels = kt.data.load_image("bee.jpg", 160)
    >>> pixels.shape
    (160, 160, 3)
    """
    size = as_image_size(image_size)
    check_color_mode(color_mode)
    return decode(path, size, color_mode).astype("float32")


def decode(
    path: str | os.PathLike, image_size: tuple[int, int], color_mode: str
) -> np.ndarray:
    """Returns the pixels of a file as uint8, shape `(height, width, channels)`.

    Raises a ValueError that names the file when it cannot be read.
    """
    # A broken file can make Pillow raise nearly anything, from OSError to
    # SyntaxError; whatever it is, the reader must learn which file it was.
    try:
        return decode_file(path, image_size, color_mode)
    except Exception as error:
        reason = explain_unreadable(path, error)
        raise ValueError(f"Cannot read {os.fspath(path)}: {reason}.") from error


def decode_file(
    file: str | os.PathLike | BinaryIO,
    image_size: tuple[int, int],
    color_mode: str,
    max_pixels: int | None = None,
) -> np.ndarray:
    """Returns the pixels of a file as `decode` does, raising what Pillow does.

    Args:
        file: A path, or an open file.
        image_size: `(height, width)` in pixels.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        max_pixels: Of an image with more than these, which its header tells,
            nothing is decoded. Defaults to Pillow's own limit of 179 million.

    Raises:
        Exception: Nearly anything where the file is broken;
            `PIL.Image.DecompressionBombError` where it has too many pixels.
    """
    mode = PILLOW_MODES[color_mode]
    pixels = np.asarray(
        with_image(
            file, lambda image: _squeezed(image, image_size, mode, max_pixels)
        )
    )
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def as_image_size(image_size: int | tuple[int, int] | None) -> tuple[int, int]:
    """Returns `(height, width)`, the default where `image_size` is None."""
    if image_size is None:
        return DEFAULT_SIZE
    sides = image_size
    if isinstance(image_size, int | np.integer):
        sides = (image_size, image_size)
    if (
        not isinstance(sides, tuple | list)
        or len(sides) != 2
        or not all(_is_side(side) for side in sides)
    ):
        raise ValueError(
            "`image_size` must be a number of pixels, at least 1, or a pair "
            f"(height, width). Received: image_size={image_size!r}"
        )
    return int(sides[0]), int(sides[1])


def check_color_mode(color_mode: str) -> None:
    """Raises unless `color_mode` is one that `decode` knows."""
    if color_mode not in CHANNELS:
        raise ValueError(
            f"`color_mode` must be one of {list(CHANNELS)}. "
            f"Received: color_mode={color_mode!r}"
        )


def _is_side(side):
    is_whole = isinstance(side, int | np.integer)
    return is_whole and not isinstance(side, bool) and side >= 1


def _squeezed(image, image_size, mode, max_pixels):
    if max_pixels is not None and image.width * image.height > max_pixels:
        raise Image.DecompressionBombError(
            f"{image.width} x {image.height} pixels"
        )
    # Before its orientation is asked for, which may decode it.
    image = in_eight_bits(image)
    if image.format == "TIFF":
        image.load()  # Which turns it upright.
    turn = _TURNS.get(_orientation(image))
    height, width = image_size
    if turn is not None and _orientation(image) >= 5:
        height, width = width, height
    # JPEG can be decoded at 1/2, 1/4 or 1/8, in half the time.
    scale = min(8, reduction(image.size, (width, height)))
    extent = image.size
    drafted = None
    if image.format != "HEIF":  # Of which the thumbnail would be drafted.
        drafted = image.draft(None, [side // scale for side in image.size])
    if drafted is not None:
        extent = drafted[1][2:]
    small = squeeze(_in_mode(image, mode), extent, (width, height))
    return small if turn is None else small.transpose(turn)


def _orientation(image):
    # Cameras and editors write broken EXIF blocks; such a photograph is shown
    # as it lies by every viewer, so it is read like that here.
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1


def _in_mode(image, mode):
    if mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image.load()
    return image if image.mode == mode else image.convert(mode)
