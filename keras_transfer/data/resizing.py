"""Bilinear interpolation of images, the same bits as Keras's own.

Without TensorFlow, which whoever reads a few photographs need not import, and
without Pillow's `resize`, which averages where Keras interpolates and takes
longer.
"""

import numpy as np
from PIL import Image

# As Pillow keeps them: one number for each pixel to be gathered.
_RAW = {
    "L": ("L", "uint8"),
    "RGB": ("RGBX", "uint32"),
    "RGBA": ("RGBA", "uint32"),
}


def reduce_far_larger(
    image: Image.Image, enough: tuple[int, int]
) -> Image.Image:
    """Averages squares of 2, 4, 8, ... pixels as long as enough are left.

    Args:
        image: The image.
        enough: `(width, height)` that must be left.
    """
    factor = min(
        side // least for side, least in zip(image.size, enough, strict=True)
    )
    if factor < 2:
        return image
    return image.reduce(1 << (factor.bit_length() - 1))


def interpolate(image: Image.Image, image_size: tuple[int, int]) -> np.ndarray:
    """Returns what `keras.ops.image.resize` does, rounded to whole numbers.

    Args:
        image: An image of mode `"L"`, `"RGB"` or `"RGBA"`.
        image_size: `(height, width)` in pixels.

    Returns:
        Array of uint8, shape `(height, width, channels)`.

    Example:
    >>> image = Image.fromarray(np.array([[0, 100]], "uint8"))
    >>> interpolate(image, (1, 4))[0, :, 0].tolist()
    [0, 25, 75, 100]
    """
    form, dtype = _RAW[image.mode]
    pixels = np.frombuffer(image.tobytes("raw", form), dtype)
    above, below, down = _neighbours(image.height, image_size[0])
    left, right, across = _neighbours(image.width, image_size[1])
    rows = np.stack([above, below]) * image.width
    columns = np.stack([left, right])
    # Axes: above and below, left and right, height, width.
    corners = pixels.take(rows[:, None, :, None] + columns[:, None, :])
    corners = corners.view("uint8").reshape(2, 2, *image_size, -1)
    between = _mix(corners[:, 0], corners[:, 1], across[:, None])
    mixed = _mix(between[0], between[1], down[:, None, None])
    channels = len(image.getbands())
    return np.rint(mixed[..., :channels]).astype("uint8")


def _neighbours(length, wanted):
    """Returns the two places each comes from, and how far it is between."""
    places = np.arange(wanted, dtype="float32") + np.float32(0.5)
    places = places * np.float32(length / wanted) - np.float32(0.5)
    before = np.floor(places)
    first = np.maximum(before, 0).astype("intp")
    second = np.minimum(before + 1, length - 1).astype("intp")
    return first, second, places - before


def _mix(first, second, share):
    # In the order in which TensorFlow does it, for the sake of the last bit.
    first = first.astype("float32", copy=False)
    difference = second.astype("float32") - first
    difference *= share
    difference += first
    return difference
