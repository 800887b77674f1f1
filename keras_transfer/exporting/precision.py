"""The precisions of exported files."""

from collections.abc import Sequence

import numpy as np

from keras_transfer import names
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.trial import Allowance
from keras_transfer.exporting.trial import largest_difference

# For float32 each format states its rounding. The other tolerances detect
# broken files, not less accurate ones: `measure_on` tells how accurate they
# are. A constant differs by at least half of the outputs' spread.
_REDUCED = {
    "float16": Allowance(tolerance=0.02),
    "int8": Allowance(tolerance=0.4, fraction=0.4),
}
# Largest difference between a network in 16 bits and the same in float32.
_HALF_PRECISION = 0.05
PRECISIONS = ("float32", *_REDUCED)


def allowance(target: Format, precision: str) -> Allowance:
    """Returns how much an export may differ from the model."""
    return _REDUCED.get(precision, Allowance(target.tolerance))


def check_precision(target: Format, precision: str, calibrated: bool) -> None:
    """Raises unless a format supports a precision.

    Args:
        target: The format.
        precision: Name of the precision.
        calibrated: Whether there are photographs to calibrate on.

    Raises:
        ValueError: If it does not.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"Unknown precision {precision!r}. Expected one of "
            f"{list(PRECISIONS)}." + names.did_you_mean(precision, PRECISIONS)
        )
    if precision not in target.precisions:
        others = [f.name for f in FORMATS.values() if precision in f.precisions]
        raise ValueError(
            f"The format {target.name!r} does not support {precision}, only "
            f"{' or '.join(target.precisions)}. Formats with {precision}: "
            f"{', '.join(others)}."
        )
    if calibrated and precision != "int8":
        raise ValueError(
            f"Only int8 is calibrated. Received precision={precision!r} with "
            "`calibrate_on`; leave that out."
        )
    if precision == "int8" and target.needs_calibration and not calibrated:
        raise ValueError(
            f"The format {target.name!r} in int8 needs photographs to "
            "calibrate the ranges of activations. Pass a folder of them as "
            "`calibrate_on` (--calibrate-on)."
        )


def about_precision(
    dtypes: Sequence[str],
    expected: Sequence[np.ndarray],
    precise: Sequence[np.ndarray],
) -> str:
    """Returns a note on how far a model in 16 bits is from its float32 graph.

    Args:
        dtypes: Precisions that the model computes in.
        expected: Each of its outputs.
        precise: Each output in float32.

    Raises:
        ValueError: If rounding cannot explain the difference.
    """
    difference, allowed = max(
        (_difference(*pair) for pair in zip(expected, precise, strict=True)),
        key=lambda found: found[0] / found[1],
    )
    if not difference <= allowed:
        raise ValueError(
            f"The model computes in {', '.join(dtypes)}; in float32 its "
            f"outputs differ by {difference:.3g}. Expected at most "
            f"{allowed:.3g}, which rounding can explain."
        )
    return (
        f"The model computes in {', '.join(dtypes)}, the export in float32; "
        f"their outputs differ by up to {difference:.2g}."
    )


def _difference(expected, precise):
    allowed = _HALF_PRECISION * max(1.0, float(np.max(np.abs(expected))))
    return largest_difference(expected, precise), allowed
