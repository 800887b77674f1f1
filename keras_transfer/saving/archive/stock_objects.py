"""Which classes, functions and values of Keras's own a file may name."""

import re
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import stock_names as stock
from keras_transfer.saving.archive.entries import Place
from keras_transfer.saving.archive.entries import refusal
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL

_MODULE = re.compile(
    r"keras|keras\.(layers|models|initializers|regularizers|constraints|losses"
    r"|metrics|optimizers(\.schedules)?|dtype_policies|quantizers|random)"
    r"|keras\.src\.(layers|models|ops|initializers|regularizers|constraints"
    r"|losses|metrics|optimizers|dtype_policies|quantizers|random|activations)"
    r"(\.(?![a-z0-9_]*_test\b)[a-z0-9_]+)*"
)
# On torch, Keras names the class that it chose for `keras.optimizers.Adam`.
_OPTIMIZER_OF_BACKEND = re.compile(
    r"keras\.src\.backend\.[a-z]+\.optimizers\.[a-z]+_[a-z]+"
)
_FUNCTION_MODULES = (
    "builtins",
    "keras.activations",
    "keras.losses",
    "keras.metrics",
)
_ALLOWED = stock.MODELS | stock.LAYERS | stock.OPERATIONS | stock.PARTS
# Keras makes these of values; none of them is a class that could be found.
_VALUES = {
    "__keras_tensor__": {"shape", "dtype", "keras_history"},
    "__tensor__": {"value", "dtype"},
    "__numpy__": {"value", "dtype"},
    "__bytes__": {"value"},
    "__slice__": {"start", "stop", "step"},
    "__ellipsis__": set(),
}
_DTYPE = re.compile(r"(u?int|b?float|complex)\d+(_e\dm\d(fn)?)?|bool")
_NEWER = (
    "If a later version of Keras brought it, run `pip install -U keras "
    "keras-transfer`; otherwise do not load it."
)
# Settings that Keras takes for the path of a file where they are a text.
_PATHS = ("vocabulary", "filepath", "idf_weights", "file_path", "filename")
# Keras makes as many tensors, or numbers in a list, as these settings say.
_COUNTS = {
    "ArraySplit": "indices_or_sections",
    "AUC": "num_thresholds",
    "Discretization": "num_bins",
    "Dsplit": "indices_or_sections",
    "Hsplit": "indices_or_sections",
    "OneHotMeanIoU": "num_classes",
    "MeanIoU": "num_classes",
    "PrecisionAtRecall": "num_thresholds",
    "RecallAtPrecision": "num_thresholds",
    "SensitivityAtSpecificity": "num_thresholds",
    "SpecificityAtSensitivity": "num_thresholds",
    "SpectralNormalization": "power_iterations",
    "Split": "indices_or_sections",
    "TextVectorization": "ngrams",
    "Unstack": "num",
    "Vsplit": "indices_or_sections",
}


def on_every_backend(entry: Any) -> None:
    """Renames optimizers of one backend to those that any backend has.

    Args:
        entry: What a file says of a compilation; changed in place.

    Example:
    >>> entry = {"class_name": "Adam", "registered_name": "Adam", "config": {},
    ...     "module": "keras.src.backend.torch.optimizers.torch_adam"}
    >>> on_every_backend(entry)
    >>> entry["module"], entry["registered_name"]
    ('keras.optimizers', None)
    """
    pending = [entry]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            name, module = item.get("class_name"), item.get("module")
            if (
                isinstance(module, str)
                and _OPTIMIZER_OF_BACKEND.fullmatch(module)
                and name in stock.PARTS
                and item.get("registered_name") in (None, "", name)
            ):
                item.update(module="keras.optimizers", registered_name=None)
            pending += item.values()


def check_class(
    name: str, module: str, item: dict[str, Any], place: Place, written: str
) -> None:
    """Raises unless a class of Keras is one that only computes.

    Args:
        name: Its name.
        module: The module that the file names.
        item: The whole entry.
        place: Where it stands, for the message.
        written: Version of the Keras that wrote the file, if it is known.

    Raises:
        ModelFileError: For any other class, and one with settings that reach
            beyond the model.
    """
    if name in stock.REFUSED:
        raise refusal(
            place,
            f"holds a {name} layer, which {stock.REFUSED[name]}",
            "Ask its author for a model without it: a registered layer does "
            "the same.",
        )
    is_modeling = _MODULE.fullmatch(module) is not None
    full_name = f"{module}.{name}"[:80]
    if name in stock.CALLING and is_modeling:
        raise refusal(
            place,
            f"holds the operation {full_name!r}, which calls a function that "
            "the file chooses",
            UNUSUAL,
        )
    is_allowed = name in stock.PRIVATE.get(module, ()) or (
        is_modeling and name in _ALLOWED
    )
    is_own_name = item.get("registered_name") in (None, "", name)
    if not is_allowed and is_modeling and is_own_name:
        writer = f"Keras {written}" if written else "another Keras"
        raise refusal(
            place,
            f"was written by {writer}, whose class {full_name!r} this version "
            "cannot read",
            _NEWER,
        )
    if not is_allowed or not is_own_name:
        raise refusal(
            place,
            f"names the class {full_name!r}, which is none of those of Keras "
            "that only compute",
            UNUSUAL,
        )
    _check_settings(name, item, place)


def check_function(item: dict[str, Any], place: Place) -> None:
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


def check_value(name: str, item: dict[str, Any], place: Place) -> None:
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
    if (
        name not in _VALUES
        or not isinstance(inner, dict)
        or item.keys() != {"class_name", "config"}
        or inner.keys() != _VALUES[name]
    ):
        raise refusal(place, f"holds a {name[:80]!r}", UNUSUAL)
    dtype = inner.get("dtype")
    if name in ("__numpy__", "__tensor__") and not (
        isinstance(dtype, str) and _DTYPE.fullmatch(dtype)
    ):
        raise refusal(place, f"holds values of type {dtype!r:.80}", UNUSUAL)


def _check_settings(name, item, place):
    config = item.get("config")
    is_layer = name in stock.LAYERS | stock.MODELS | stock.OPERATIONS
    if not isinstance(config, dict):
        if is_layer or config is not None:
            raise refusal(place, f"holds no settings of a {name}", DAMAGED)
        return
    for key in _PATHS:
        if isinstance(config.get(key), str):
            raise refusal(
                place,
                f"reads the file {config[key][:80]!r} for a {name}",
                UNUSUAL,
            )
    count = config.get(_COUNTS.get(name))
    if isinstance(count, int) and count > limits.COUNT:
        raise refusal(
            place, f"asks for {count} {_COUNTS[name]} of a {name}", UNUSUAL
        )
    if not is_layer:
        return
    label = config.get("name", name)
    if not isinstance(label, str) or len(label) > limits.NAME_LENGTH:
        raise refusal(place, "holds a layer without a proper name", UNUSUAL)
    if "/" in label or "\\" in label or label in (".", ".."):
        raise refusal(place, f"names a layer {label[:80]!r}", UNUSUAL)
