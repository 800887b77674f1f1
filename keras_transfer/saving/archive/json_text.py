"""JSON of a model file, with what is unusual in it refused.

What the text can hold at most is counted before it is parsed: a small text
can become a hundred times as large in memory.
"""

import json
import pathlib
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError


def parse(text: bytes, member: str) -> dict[str, Any]:
    """Returns the object that a member holds.

    Args:
        text: The bytes of the member.
        member: Its name, for messages.

    Raises:
        ModelFileError: If it is no JSON object, larger or nested deeper than
            what can be read, or says a thing twice.
    """
    _check_size(text, member)
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_without_repetitions
        )
        if b"\\ud" in text or b"\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Repeated as error:
        raise ModelFileError(
            f"says {error.args[0][:80]!r} twice in one object of {member}.",
            UNUSUAL,
        ) from None
    except RecursionError:
        raise ModelFileError(
            f"nests the values of {member} too deeply to be read.", UNUSUAL
        ) from None
    except UnicodeEncodeError:
        raise ModelFileError(
            f"holds half of a character in {member}.", UNUSUAL
        ) from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ModelFileError(
                f"holds a number of thousands of digits in {member}.", UNUSUAL
            ) from None
        raise ModelFileError(
            f"holds no JSON in {member} ({error}).", DAMAGED
        ) from error
    if not isinstance(value, dict):
        raise ModelFileError(
            f"holds {type(value).__name__} in {member}; expected an object.",
            DAMAGED,
        )
    return value


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """Returns the object that a file holds, like `parse`.

    Args:
        path: A file, of which no more is read than what `parse` takes.

    Raises:
        ModelFileError: As for `parse`.
    """
    with open(path, "rb") as file:
        return parse(file.read(limits.JSON_BYTES + 1), path.name)


class _Repeated(Exception):
    pass


def _without_repetitions(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise _Repeated(key)
            seen.add(key)
    return found


def _check_size(text, member):
    # Those within strings count as well; none of them is ever many.
    objects = text.count(b"{") + text.count(b"[")
    values = objects + text.count(b",")
    for found, most, what in (
        (len(text), limits.JSON_BYTES, "bytes"),
        (objects, limits.JSON_OBJECTS, "objects"),
        (values, limits.JSON_VALUES, "values"),
    ):
        if found > most:
            raise ModelFileError(
                f"holds {found} {what} in {member}; expected {most} at most.",
                UNUSUAL,
            )
