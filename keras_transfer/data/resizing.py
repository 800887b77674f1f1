"""How large images become small: averaged, then interpolated as by Keras.

Without TensorFlow, which whoever reads a few photographs need not import.
"""

from PIL import Image


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


def interpolate(image: Image.Image, image_size: tuple[int, int]) -> Image.Image:
    """Returns what `keras.ops.image.resize` does, rounded down.

    Colours count as much as they are opaque, where Keras would bring out those
    of transparent pixels.

    Args:
        image: The image.
        image_size: `(height, width)` in pixels.

    Example:
    >>> image = Image.new("L", (2, 1))
    >>> image.putpixel((1, 0), 100)
    >>> list(interpolate(image, (1, 4)).tobytes())
    [0, 25, 75, 100]
    """
    height, width = image_size
    # Pillow's `resize` averages over all pixels of an image that shrinks; its
    # transformations interpolate between four, in less time.
    return image.transform(
        (width, height),
        Image.Transform.EXTENT,
        (0, 0, *image.size),
        Image.Resampling.BILINEAR,
    )
