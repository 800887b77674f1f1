"""How names are matched by wildcards, ordered, suggested, and shown."""

import difflib
import fnmatch
import json
import os
import re
from collections.abc import Iterable


def natural_order(name: str) -> tuple[list, str]:
    """Returns a key that sorts `net9` before `net10`, in whatever case.

    Example:
    >>> sorted(["net10", "Net9"], key=natural_order)
    ['Net9', 'net10']
    """
    pieces: list = re.split("([0-9]+)", name.casefold())
    # Every second piece is a number, so that like is compared with like.
    pieces[1::2] = map(int, pieces[1::2])
    return pieces, name


def matches(name: str, patterns: str | Iterable[str]) -> bool:
    """Whether a full name, or its short form, matches one of the wildcards.

    Args:
        name: `provider/name`.
        patterns: One pattern or several, case-insensitive.

    Example:
    >>> matches("applications/vgg16", "VGG*")
    True
    """
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    candidates = (name.lower(), name.partition("/")[2].lower())
    return any(
        fnmatch.fnmatchcase(candidate, pattern.lower())
        for pattern in patterns
        for candidate in candidates
    )


def printable(text: object, keep: str = "") -> str:
    """Returns a text that a terminal shows and never obeys.

    Names of classes and files, which others chose, may hold escape sequences
    that clear the screen, or marks that reverse the direction of writing.
    Whatever is not printable becomes an escape of JSON, so that text which is
    JSON stays the same JSON.

    Args:
        text: Anything; `str` makes a text of it.
        keep: Characters that are left as they are, such as line breaks.

    Example:
    >>> print(printable("cat\\x1b[2J"))
    cat\\u001b[2J
    """
    return "".join(
        c if c.isprintable() or c in keep else json.dumps(c)[1:-1]
        for c in str(text)
    )


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Returns a question that ends an error message, or an empty string.

    Args:
        name: What was asked for.
        candidates: What could have been meant. Where a candidate is a path,
            a misspelt last part is enough to find it.

    Returns:
        `" Did you mean 'a' or 'b'?"` with at most three candidates.

    Example:
    >>> did_you_mean("vg16", ["applications/vgg16", "applications/resnet50"])
    " Did you mean 'applications/vgg16'?"
    """
    candidates = list(dict.fromkeys(candidates))
    by_text: dict[str, str] = {}
    for candidate in candidates:
        by_text.setdefault(candidate.lower(), candidate)
    ends: dict[str, str] = {}
    for candidate in candidates:
        ends.setdefault(candidate.rpartition("/")[2].lower(), candidate)
    end = name.rpartition("/")[2]
    close = [by_text[c] for c in _slips(name, by_text)]
    close += [ends[c] for c in _slips(end, ends)]
    if len(close) < 3:
        close += [by_text[c] for c in _similar(name, by_text)]
        close += [ends[c] for c in _similar(end, ends)]
    close = list(dict.fromkeys(close))[:3]
    if not close:
        return ""
    return f" Did you mean {' or '.join(repr(c) for c in close)}?"


def _similar(name, candidates):
    return difflib.get_close_matches(name.lower(), candidates, n=3, cutoff=0.6)


def _slips(name, candidates):
    """The candidates that one mistake of typing turns into a name.

    They come before those that are merely similar: to `difflib`, `block_21`
    is nearer to `block_2` than to `block_12`.
    """
    found = {c: _slip(name.lower(), c) for c in candidates}
    return sorted((c for c in found if found[c]), key=found.get)


def _slip(name, other):
    """1 for two letters swapped, 2 for a wrong one, 3 for one more or less."""
    start = len(os.path.commonprefix([name, other]))
    name, other = name[start:], other[start:]
    end = len(os.path.commonprefix([name[::-1], other[::-1]]))
    name, other = name[: len(name) - end], other[: len(other) - end]
    if len(name) == 2 and name == other[::-1]:
        return 1
    if len(name) > 1 or len(other) > 1:
        return None
    return 2 if len(name) == len(other) else 3
