"""JSON of a model file, with what is unusual in it refused."""

import json
from typing import Any

from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError


def parse(text: bytes, member: str) -> dict[str, Any]:
    """Returns the object that a member holds.

    Args:
        text: The bytes of the member.
        member: Its name, for messages.

    Raises:
        ModelFileError: If it is no JSON object, nested beyond what can be
            read, or says a thing twice.
    """

    def without_repetitions(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            (repeated, *_) = (key for key in keys if keys.count(key) > 1)
            raise ModelFileError(
                f"says {repeated[:80]!r} twice in one object of {member}.",
                UNUSUAL,
            )
        return found

    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=without_repetitions
        )
    except ModelFileError:
        raise
    except RecursionError:
        raise ModelFileError(
            f"nests the values of {member} too deeply to be read.", UNUSUAL
        ) from None
    except ValueError as error:
        raise ModelFileError(
            f"holds no JSON in {member} ({error}).", DAMAGED
        ) from error
    if not isinstance(value, dict):
        raise ModelFileError(
            f"holds {type(value).__name__} in {member}; expected an object.",
            DAMAGED,
        )
    return value
