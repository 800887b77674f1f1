"""The shape of what Keras writes of one object, and where it stands."""

import math
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

# All that Keras 3 writes of an object, and the last by Keras 2.
_ENTRY = {
    "class_name": str,
    "config": (dict, str, type(None)),
    "module": (str, type(None)),
    "registered_name": (str, type(None)),
    "build_config": (dict, type(None)),
    "compile_config": (dict, type(None)),
    "shared_object_id": int,
    "name": str,
    "inbound_nodes": list,
    "__passive_serialization__": bool,
}
# Keras makes constants of these, which are weights in all but name.
_CONSTANTS = ("mean", "variance", "scale", "offset")

# The key of a value, and the place around it; `None` around the outermost.
Place = tuple[Any, Any]


def check_shape(item: dict[str, Any], place: Place) -> None:
    """Raises unless an object is described by what Keras writes of one.

    Args:
        item: A dictionary that names a class.
        place: Where it stands.

    Raises:
        ModelFileError: For an unknown key, and a value of another type.
    """
    for key, value in item.items():
        if key not in _ENTRY:
            raise refusal(
                place,
                f"says {key!r:.80} of an object, which Keras does not write",
                UNUSUAL,
            )
        if not isinstance(value, _ENTRY[key]):
            noun = "the class" if key == "class_name" else f"the {key!r}"
            raise refusal(place, f"names {noun} {value!r:.80}", UNUSUAL)


def check_number(value: Any, key: Any, place: Place) -> None:
    """Raises for a number that no setting can be.

    Args:
        value: A number or a flag.
        key: Key of the value.
        place: What holds it.

    Raises:
        ModelFileError: For NaN, and what no 64 bits hold.
    """
    if isinstance(value, int):
        is_odd = abs(value) > limits.INTEGER
    else:
        # Masks are filled with infinity.
        is_odd = math.isnan(value) or (
            math.isinf(value) and _setting(key, place) in _CONSTANTS
        )
    if is_odd:
        raise refusal(
            (place, key), f"holds the number {_short(value)}", UNUSUAL
        )


def refusal(place: Place, what: str, advice: str) -> ModelFileError:
    """Returns the error for what stands at a place of the configuration."""
    return ModelFileError(f"{what}, at {spelled(place)}.", advice)


def spelled(place: Place) -> str:
    """Returns the end of a place as text, such as `layers[1].config.units`."""
    parts = []
    while place is not None and len(parts) < 8:
        place, key = place
        parts.append(
            f"[{key}]" if isinstance(key, int) else f".{printable(key)[:40]}"
        )
    start = "" if place is None else "…"
    return start + "".join(reversed(parts)).lstrip(".")


def printable(text: str) -> str:
    """Returns a text of a file without what a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def _setting(key, place):
    while not isinstance(key, str):
        place, key = place
    return key


def _short(value):
    is_long = isinstance(value, int) and abs(value) > 1 << 200
    return "of too many digits" if is_long else str(value)
