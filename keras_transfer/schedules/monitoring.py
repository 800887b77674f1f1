"""The reading of metrics from logs."""

from collections.abc import Mapping
from typing import Any

_SCORES = ("acc", "auc", "f1", "precision", "recall", "iou", "score")


def check_mode(mode: str) -> None:
    """Raises `ValueError` for an unknown direction of improvement."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(
            f"`mode` must be 'auto', 'min' or 'max'. Received: {mode!r}."
        )


def rises(monitor: str, mode: str = "auto") -> bool:
    """Whether a metric improves by rising.

    Args:
        monitor: Name of the metric.
        mode: `"min"`, `"max"`, or `"auto"`: by the name.

    Example:
    >>> rises("val_accuracy"), rises("val_loss"), rises("mae")
    (True, False, False)
    """
    if mode != "auto":
        return mode == "max"
    return any(score in monitor.lower() for score in _SCORES)


def read(logs: Mapping[str, Any] | None, monitor: str) -> float:
    """Returns the value of a metric.

    Raises:
        ValueError: If the logs of the epoch do not hold it.
    """
    logs = logs or {}
    if monitor not in logs:
        hint = ""
        if monitor.startswith("val_"):
            hint = " Pass `validation_data` to `fit`, for every epoch."
        raise ValueError(
            f"The schedule waits for the metric {monitor!r}, which the epoch "
            f"did not report. Expected one of {sorted(logs)}.{hint}"
        )
    return float(logs[monitor])


def improved(
    value: float,
    best: float | None,
    monitor: str,
    mode: str = "auto",
    min_delta: float = 0.0,
) -> bool:
    """Whether a value is better than the best so far; NaN never is.

    Args:
        value: The new value.
        best: The best so far, or `None`.
        monitor: Name of the metric.
        mode: Direction of improvement.
        min_delta: Smallest change that counts.
    """
    if value != value:
        return False
    if best is None:
        return True
    if rises(monitor, mode):
        return value > best + min_delta
    return value < best - min_delta
