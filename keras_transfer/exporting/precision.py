"""How many bits the numbers in an exported file have."""

from keras_transfer import names
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.trial import Allowance

# For float32 the format says what rounding is. The others are for files that
# are broken, not for those that are somewhat worse: how much worse is what
# `measure_on` tells. A constant differs by half of the variation at least.
_REDUCED = {
    "float16": Allowance(tolerance=0.02),
    "int8": Allowance(tolerance=0.4, fraction=0.4),
}
PRECISIONS = ("float32", *_REDUCED)


def allowance(target: Format, precision: str) -> Allowance:
    """Returns what an export may differ by from the model."""
    return _REDUCED.get(precision, Allowance(target.tolerance))


def check_precision(target: Format, precision: str, calibrated: bool) -> None:
    """Raises if a format cannot be written in a precision.

    Args:
        target: The format.
        precision: The name that the user gave.
        calibrated: Whether there are photographs to calibrate on.

    Raises:
        ValueError: If it cannot.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"Unknown precision {precision!r}. Expected one of "
            f"{list(PRECISIONS)}." + names.did_you_mean(precision, PRECISIONS)
        )
    if precision not in target.precisions:
        others = [f.name for f in FORMATS.values() if precision in f.precisions]
        raise ValueError(
            f"The format {target.name!r} is not written in {precision}, only "
            f"in {' or '.join(target.precisions)}. Formats with {precision}: "
            f"{', '.join(others)}."
        )
    if calibrated and precision != "int8":
        raise ValueError(
            f"Only int8 is calibrated. Received precision={precision!r} with "
            "`calibrate_on`; leave that out."
        )
    if precision == "int8" and target.needs_calibration and not calibrated:
        raise ValueError(
            f"The format {target.name!r} in int8 needs photographs that show "
            "how large the numbers between its layers grow. Give a folder of "
            "them as `calibrate_on` (--calibrate-on)."
        )
