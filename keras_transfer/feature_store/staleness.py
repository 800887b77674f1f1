"""What has changed since features were stored."""

import os
from collections.abc import Mapping
from typing import Any


class StaleFeaturesError(ValueError):
    """Stored features were made from something else than what is asked for."""


def explain_change(
    stored: Mapping[str, Any], current: Mapping[str, Any]
) -> str:
    """Returns what differs between two fingerprints, or an empty text.

    A fingerprint maps what features are made from (`"weights"`, `"graph"`,
    `"data"`, `"options"`) to a digest, or to a dictionary of small values
    that are named where they differ; its key `"digest"` is not.

    Args:
        stored: The fingerprint of what is stored.
        current: The fingerprint of what is asked for.

    Example:
    >>> explain_change(
    ...     {"weights": "1f", "options": {"pooling": "avg"}},
    ...     {"weights": "2e", "options": {"pooling": "max"}})
    "other weights; other options (pooling was 'avg', is now 'max')"
    """
    changes = []
    for part in dict.fromkeys([*stored, *current]):
        before, after = stored.get(part), current.get(part)
        if before != after:
            changes.append(f"other {part}{_details(before, after)}")
    return "; ".join(changes)


def check_fresh(
    folder: str | os.PathLike,
    stored: Mapping[str, Any],
    current: Mapping[str, Any],
) -> None:
    """Raises where stored features were made from something else.

    Raises:
        StaleFeaturesError: It says what has changed.
    """
    change = explain_change(stored, current)
    if change:
        raise StaleFeaturesError(
            f"The features in {os.fspath(folder)!r} were made from something "
            f"else: {change}. Pass rebuild=True to compute them anew, or "
            "choose another folder."
        )


def _details(before, after):
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    changes = [
        f"{key} was {before.get(key)!r}, is now {after.get(key)!r}"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key) and key != "digest"
    ]
    return f" ({', '.join(changes)})" if changes else ""
