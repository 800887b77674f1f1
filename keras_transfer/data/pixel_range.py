"""The one rule by which pixels are not what a model expects."""

import math
from typing import NamedTuple

import numpy as np

# Of the expected span, how far an honest photograph may lie outside of it: so
# far bicubic resizing overshoots at the sharpest edges, and at few of them.
_OVERSHOOT = 0.2
_FAINT, _FEW = 0.04, 0.05
# Standardised pixels lie within about 3 (by ImageNet's figures) or 8 (each
# photograph by its own) of zero.
_STANDARDISED = 10


class Misfit(NamedTuple):
    """Pixels that a model would take for something else.

    Args:
        sentence: What was seen, what is expected, how to mend it.
        is_outside: Whether some lie beyond what is expected; otherwise all lie
            within a small part of it, which a black photograph does as well.
    """

    sentence: str
    is_outside: bool


def find_misfit(
    images: np.ndarray, expected: tuple[float, float]
) -> Misfit | None:
    """Returns what is wrong with the range of pixels, or `None`.

    It knows pixels that were divided by 255, brought to -1 to 1, standardised
    (`preprocess_input` in mode `"torch"`) or had the mean colour taken off
    (mode `"caffe"`), where a model does that itself. Photographs may be as
    dark or as bright as they like, and overshoot a little where they were
    resized.

    Args:
        images: Pixels of any shape, at least one.
        expected: Smallest and largest pixel of the model.

    Example:
    >>> print(find_misfit(np.array([0.1, 0.9]), (0, 255)).sentence)
    The pixels lie between 0 and 1, but the model expects 0 to 255: it scales \
them itself. Leave out your own scaling (`/ 255`).
    >>> find_misfit(np.array([0.0, 90.0]), (0, 255))
    """
    low, high = expected
    least, most = float(images.min()), float(images.max())
    if not math.isfinite(least + most):
        return None
    # Whole numbers or a single colour may be as dark as they like.
    is_real = images.dtype.kind not in "iub" and least < most
    takes_bytes = low == 0 and high == 255
    mend = "Leave out your own scaling"
    if takes_bytes and is_real and -1 <= least and most <= 1:
        fault = f"{mend} (`/ 255`)."
        return _misfit(least, most, expected, 1, fault, least < 0)
    if takes_bytes and is_real and least < 0 and most <= _STANDARDISED:
        return _misfit(
            least,
            most,
            expected,
            1,
            "These were standardised, as `preprocess_input` does in mode "
            f"'torch'. {mend}.",
            True,
        )
    span = high - low
    outside = least < low - _OVERSHOOT * span or most > high + _OVERSHOOT * span
    if not outside and (least < low or most > high):
        faint = _FAINT * span
        beyond = (images < low - faint) | (images > high + faint)
        outside = float(beyond.mean()) > _FEW
    if not outside:
        return None
    mend = f"{mend}, or change the model's."
    if takes_bytes and least < low and most <= 256:
        mend = (
            "These had the mean colour taken off, as `preprocess_input` does "
            "in mode 'caffe'. Leave that out."
        )
    return _misfit(least, most, expected, 10, mend, True)


def _misfit(least, most, expected, step, mend, is_outside):
    # Rounded, so that what is said of the next batch is the same text, which
    # Python shows once.
    least = step * math.floor(least / step)
    most = step * math.ceil(most / step)
    low, high = expected
    return Misfit(
        f"The pixels lie between {least:g} and {most:g}, but the model expects "
        f"{low:g} to {high:g}: it scales them itself. {mend}",
        is_outside,
    )
