"""The error that says what in a plugin is to be mended."""

from typing import Any


class ConformanceError(AssertionError):
    """Says what a plugin does wrong; test runners show it as a failure."""


def require(condition: Any, sentence: str) -> None:
    """Raises the sentence unless the condition holds.

    Raises:
        ConformanceError: If the condition is false.

    Example:
    >>> require(1 < 2, "Count again.")
    """
    if not condition:
        raise ConformanceError(sentence)
