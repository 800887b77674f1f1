"""Which classes, functions and values of Keras's own a file may name."""

import re
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import stock_names as stock
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

_MODULE = re.compile(
    r"keras|keras\.(layers|models|initializers|regularizers|constraints|losses"
    r"|metrics|optimizers(\.schedules)?|dtype_policies|quantizers|random)"
    r"|keras\.src\.(layers|models|ops|initializers|regularizers|constraints"
    r"|losses|metrics|optimizers|dtype_policies|quantizers|random|activations)"
    r"(\.[a-z0-9_]+)*"
)
_FUNCTION_MODULES = (
    "builtins",
    "keras.activations",
    "keras.losses",
    "keras.metrics",
)
_ALLOWED = stock.MODELS | stock.LAYERS | stock.OPERATIONS | stock.PARTS
# Keras makes these of values; none of them is a class that could be found.
_VALUES = (
    "__keras_tensor__",
    "__tensor__",
    "__numpy__",
    "__bytes__",
    "__slice__",
    "__ellipsis__",
)
_DTYPE = re.compile(r"(u?int|b?float|complex)\d+(_e\dm\d(fn)?)?|bool")


def check_class(name: str, module: str, item: dict[str, Any], place: str):
    """Raises unless a class of Keras is one that only computes.

    Args:
        name: Its name.
        module: The module that the file names.
        item: The whole entry.
        place: Where it stands, for the message.

    Raises:
        ModelFileError: For any other class, and one with settings that reach
            beyond the model.
    """
    is_allowed = name in stock.PRIVATE.get(module, ()) or (
        _MODULE.fullmatch(module) and name in _ALLOWED
    )
    if not is_allowed or item.get("registered_name") not in (None, "", name):
        raise refusal(
            place,
            f"names the class {f'{module}.{name}'[:80]!r}, which is none of "
            "those of Keras that only compute",
            "If a later version of Keras brought it, run `pip install -U "
            "keras-transfer`; otherwise do not load it.",
        )
    if name in stock.LAYERS | stock.MODELS | stock.OPERATIONS:
        _check_layer(name, item, place)


def check_function(item: dict[str, Any], place: str) -> None:
    """Raises unless a function is an activation, loss or metric of Keras.

    Args:
        item: The entry.
        place: Where it stands, for the message.

    Raises:
        ModelFileError: For any other function.
    """
    function, module = item.get("config"), item.get("module")
    if (
        module not in _FUNCTION_MODULES
        or not isinstance(function, str)
        or function not in stock.FUNCTIONS
        or item.get("registered_name") not in (None, "", "function", function)
    ):
        raise refusal(
            place,
            f"names the function {f'{module}.{function}'[:80]!r}, which is no "
            "activation, loss or metric of Keras",
            "A function of your own is registered with "
            "keras.saving.register_keras_serializable before the model is "
            "saved and again before it is loaded.",
        )


def check_value(name: str, item: dict[str, Any], place: str) -> None:
    """Raises unless what is no class, such as `__numpy__`, is a mere value.

    Args:
        name: What it is called.
        item: The entry.
        place: Where it stands, for the message.

    Raises:
        ModelFileError: For bytecode, and what Keras does not know.
    """
    if name == "__lambda__":
        raise refusal(
            place,
            "holds the bytecode of a Python lambda",
            "Ask its author for a model without it: a registered function "
            "does the same.",
        )
    inner = item.get("config")
    if name not in _VALUES or not isinstance(inner, (dict, type(None))):
        raise refusal(place, f"holds a {name[:80]!r}", UNUSUAL)
    dtype = (inner or {}).get("dtype")
    if name in ("__numpy__", "__tensor__") and not (
        isinstance(dtype, str) and _DTYPE.fullmatch(dtype)
    ):
        raise refusal(place, f"holds values of type {dtype!r:.80}", UNUSUAL)


def refusal(place: str, what: str, advice: str) -> ModelFileError:
    """Returns the error for what stands at a place of the configuration."""
    return ModelFileError(f"{what}, at {place[:200]}.", advice)


def _check_layer(name, item, place):
    config = item.get("config")
    if not isinstance(config, dict):
        raise refusal(place, f"holds no settings of a {name}", DAMAGED)
    label = config.get("name", name)
    if not isinstance(label, str) or len(label) > limits.NAME_LENGTH:
        raise refusal(place, "holds a layer without a proper name", UNUSUAL)
    if "/" in label or "\\" in label or label in (".", ".."):
        raise refusal(place, f"names a layer {label[:80]!r}", UNUSUAL)
    for key in ("vocabulary", "filepath", "idf_weights"):
        if isinstance(config.get(key), str):
            raise refusal(
                place,
                f"reads the file {config[key][:80]!r} for {label!r}",
                UNUSUAL,
            )
