"""The width multiplier of the MobileNet families."""

import numbers


def check_alpha(alpha: object) -> None:
    """Raises unless `alpha` is a width multiplier.

    Args:
        alpha: Factor for the number of channels.

    Raises:
        TypeError: For anything but a real number, booleans included.
        ValueError: For a number that is not above 0.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, numbers.Real):
        raise TypeError(
            "`alpha` must be a number, such as alpha=0.75. "
            f"Received: alpha={alpha!r} of type {type(alpha).__name__}."
        )
    if not 0 < alpha < float("inf"):
        raise ValueError(
            "`alpha` multiplies the number of channels, so it must be above "
            f"0. Received: alpha={alpha!r}."
        )


def check_published(
    backbone: str, alpha: float, published: tuple[float, ...]
) -> None:
    """Raises unless ImageNet weights of that width exist.

    Args:
        backbone: Name of the backbone, for the message.
        alpha: Factor for the number of channels.
        published: The widths that Keras publishes.

    Raises:
        TypeError: For an `alpha` that is no number.
        ValueError: For any other width.
    """
    check_alpha(alpha)
    if alpha not in published:
        raise ValueError(
            f"There are no ImageNet weights of {backbone!r} with alpha="
            f"{alpha!r}. Expected one of {', '.join(map(str, published))}; or "
            "pass weights=None for random weights of any width."
        )


def published_size(input_shape: tuple, published: tuple[int, ...]) -> int:
    """Returns the image size whose weights fit an input best, as Keras does.

    Convolutions take any size, so an input of another size gets the weights
    that were trained at 224 pixels.

    Args:
        input_shape: `(height, width, channels)`; sizes may be `None`.
        published: The sizes, in pixels, that Keras publishes.
    """
    height, width = input_shape[:2]
    return height if height == width and height in published else 224
