"""How large images become small: averaged, then interpolated as by Keras.

Without TensorFlow, which whoever reads a few photographs need not import.
"""

from PIL import Image

# Of what is wanted, how much must be left after averaging. At 224 pixels, large
# photographs then differ by 1.2 to 1.8 of 255, on average, from what Keras
# makes of all their pixels; with 3/2 it would come to 2.
_MARGIN = 5 / 3


def reduction(size: tuple[float, float], wanted: tuple[int, int]) -> int:
    """Returns the side of the squares over which an image is averaged.

    Args:
        size: `(width, height)` of the image.
        wanted: `(width, height)` to make of it.

    Returns:
        Pixels, a power of two; 1 where the image is not far larger.

    Example:
    >>> reduction((4000, 3000), (224, 224))
    8
    """
    ratios = [side / least for side, least in zip(size, wanted, strict=True)]
    factor = int(min(ratios) / _MARGIN)
    return 1 << max(0, factor.bit_length() - 1)


def squeeze(
    image: Image.Image, extent: tuple[float, float], wanted: tuple[int, int]
) -> Image.Image:
    """Returns what `keras.ops.image.resize` does, rounded down.

    An image that is far larger is averaged first. Colours count as much as
    they are opaque, where Keras would bring out those of transparent pixels.

    Args:
        image: The image.
        extent: `(width, height)` of what is to be seen of it, from its upper
            left corner: the size, less the part of its last pixels that lies
            beyond the photograph where it was decoded at a reduced scale.
        wanted: `(width, height)` in pixels.

    Example:
    >>> image = Image.new("L", (2, 1))
    >>> image.putpixel((1, 0), 100)
    >>> list(squeeze(image, image.size, (4, 1)).tobytes())
    [0, 25, 75, 100]
    """
    factor = reduction(extent, wanted)
    if factor > 1:
        image = image.reduce(factor)
    # Pillow's `resize` averages over all pixels of an image that shrinks; its
    # transformations interpolate between four, in less time.
    return image.transform(
        wanted,
        Image.Transform.EXTENT,
        (0, 0, *(side / factor for side in extent)),
        Image.Resampling.BILINEAR,
    )
