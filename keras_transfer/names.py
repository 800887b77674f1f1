"""Names matched, ordered, suggested, shown, renamed; numbers checked."""

import difflib
import fnmatch
import functools
import json
import numbers
import os
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any


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


def renamed(**names: str) -> Callable[[Any], Any]:
    """Lets a function or a class be used by names of the release before.

    A decorator: each old name of an argument, attribute or method does what
    the new one does, with a `DeprecationWarning` that says so.

    Args:
        **names: The new name of each old one.

    Example:
    >>> @renamed(colour="color")
    ... def paint(color):
    ...     return color
    >>> with warnings.catch_warnings(action="ignore"):
    ...     paint(colour="blue")
    'blue'
    """

    def decorate(target):
        if not isinstance(target, type):
            return _taking_old_arguments(target, names)
        for old, new in names.items():
            setattr(target, old, _old_attribute(target.__name__, old, new))
        if "__init__" in vars(target):
            target.__init__ = _taking_old_arguments(target.__init__, names)
        return target

    return decorate


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Warns that a name is that of the release before.

    Args:
        old: The old name.
        new: The new one.
        stacklevel: As for `warnings.warn`. Defaults to 3: the caller of the
            function that calls this one.
    """
    warnings.warn(
        f"`{old}` is now called `{new}`; the old name will go in the next "
        "release.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )


def _taking_old_arguments(function, names):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        for old, new in names.items():
            if old not in kwargs:
                continue
            if new in kwargs:
                raise TypeError(
                    f"`{old}` is the old name of `{new}`. Received both: pass "
                    f"`{new}` alone."
                )
            warn_renamed(old, new)
            kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return wrapped


def _old_attribute(owner, old, new):
    def get(self):
        warn_renamed(f"{owner}.{old}", f"{owner}.{new}")
        return getattr(self, new)

    return property(get)


def check_whole_number(
    name: str,
    value: Any,
    least: int,
    most: int | None = None,
    owner: str = "",
) -> None:
    """Refuses what is no whole number in a range.

    Args:
        name: The argument, for the message.
        value: What was passed.
        least: The smallest number that is allowed.
        most: The largest. Defaults to `None`: any.
        owner: Whose argument it is. Defaults to that of the call.

    Raises:
        ValueError: If it is another number, or none.

    Example:
    >>> check_whole_number("epochs", 0, least=1)
    Traceback (most recent call last):
    ...
    ValueError: `epochs` must be a whole number of at least 1. Received: 0.
    """
    is_whole = isinstance(value, numbers.Integral)
    if not is_whole or isinstance(value, bool):
        is_allowed = False
    else:
        is_allowed = value >= least and (most is None or value <= most)
    if not is_allowed:
        limits = (
            f"of at least {least}"
            if most is None
            else (f"from {least} to {most}")
        )
        raise ValueError(
            f"`{name}`{f' of {owner}' * bool(owner)} must be a whole number "
            f"{limits}. Received: {value!r}."
        )
