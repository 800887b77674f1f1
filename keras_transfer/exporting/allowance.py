"""What an exported file's outputs may differ by from those of Keras."""

from typing import NamedTuple


class Allowance(NamedTuple):
    """The largest difference that passes, the smaller of two.

    Args:
        tolerance: Of outputs up to 1; of larger ones the same fraction.
        fraction: Of what the outputs vary by from image to image, or else a
            file that returns constants would pass where all are near.
    """

    tolerance: float
    fraction: float = 0.1
