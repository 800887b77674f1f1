"""What the configuration of a model may ask for, object by object.

Keras makes an object of every dictionary that names a class. Each of them must
be one of Keras's own that only computes, or registered under the name of a
package, by an installed distribution or in this process.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import stock_names as stock
from keras_transfer.saving.archive import stock_objects
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

MODEL_INFO = "keras_transfer>ModelInfo"


@dataclasses.dataclass(frozen=True)
class Found:
    """What a configuration is made of.

    Args:
        classes: Module of each registered class or function by its name.
        missing: Those of them that nobody here provides.
        stock_layers: The entries of Keras's own layers.
        layers: Number of layers that models list.
        operations: Number of symbolic operations that models list.
        model_info: The metadata of the first `ModelInfo` layer, or `None`.
    """

    classes: dict[str, str]
    missing: dict[str, str]
    stock_layers: list[dict[str, Any]]
    layers: int
    operations: int
    model_info: Any


def examine(
    config: dict[str, Any],
    is_known: Callable[[str], bool],
    is_legacy: bool = False,
) -> Found:
    """Checks every object of a configuration against what is allowed.

    Args:
        config: What `config.json` holds.
        is_known: Whether a registered name can be provided here.
        is_legacy: Whether it is from an `.h5` file, where modules may be
            missing. Defaults to `False`.

    Raises:
        ModelFileError: For the first object that is not allowed.
    """
    if not isinstance(config.get("class_name"), str):
        raise ModelFileError("holds no model in config.json.", DAMAGED)
    walk = _Walk(is_known, is_legacy)
    walk.run(config)
    return Found(
        classes=dict(sorted(walk.classes.items())),
        missing={
            name: module
            for name, module in sorted(walk.classes.items())
            if not is_known(name)
        },
        stock_layers=walk.stock_layers,
        layers=walk.layers,
        operations=walk.operations,
        model_info=walk.model_info,
    )


class _Walk:
    def __init__(self, is_known, is_legacy):
        self.classes = {}
        self.stock_layers = []
        self.layers = 0
        self.operations = 0
        self.model_info = None
        self._is_known = is_known
        self._is_legacy = is_legacy

    def run(self, config):
        # Not recursive: a file must not be able to exhaust the stack.
        pending = [(config, "", "config", 0)]
        while pending:
            item, key, place, depth = pending.pop()
            if depth > limits.JSON_DEPTH:
                raise ModelFileError(
                    f"nests config.json deeper than {limits.JSON_DEPTH} "
                    f"levels, at {place[:80]}.",
                    UNUSUAL,
                )
            if isinstance(item, list):
                pending += [
                    (value, key, f"{place}[{index}]", depth + 1)
                    for index, value in enumerate(item)
                    if isinstance(value, (list, dict))
                ]
            elif isinstance(item, dict) and self._enters(item, key, place):
                pending += [
                    (value, name, f"{place}.{name}", depth + 1)
                    for name, value in item.items()
                    if isinstance(value, (list, dict))
                ]

    def _enters(self, item, key, place):
        """Checks a dictionary; returns whether there is more to see in it."""
        if "class_name" not in item:
            return True
        name = item["class_name"]
        if not isinstance(name, str):
            raise stock_objects.refusal(
                place, f"names the class {name!r:.80}", UNUSUAL
            )
        if name.startswith("__"):
            stock_objects.check_value(name, item, place)
            return True
        if name == "function":
            self._check_function(item, place)
            return True
        registered = item.get("registered_name")
        if self._is_legacy and ">" in name:
            registered = name
        if isinstance(registered, str) and ">" in registered:
            self._check_registered(registered, item, place)
        else:
            self._check_stock(name, item, place)
        if key == "layers" and name in stock.OPERATIONS - stock.LAYERS:
            self.operations += 1
        elif key == "layers" and name != "InputLayer":
            self.layers += 1
        return registered != MODEL_INFO

    def _check_registered(self, registered, item, place):
        module = str(item.get("module") or "")
        if module.partition(".")[0] == "keras":
            raise stock_objects.refusal(
                place,
                f"passes {registered[:80]!r} off as a class of Keras",
                UNUSUAL,
            )
        self.classes[registered] = module
        if registered == MODEL_INFO and self.model_info is None:
            config = item.get("config")
            if isinstance(config, dict):
                self.model_info = config.get("metadata")

    def _check_stock(self, name, item, place):
        module = item.get("module")
        if name in stock.REFUSED:
            raise stock_objects.refusal(
                place,
                f"holds a {name} layer, which {stock.REFUSED[name]}",
                "Ask its author for a model without it: a registered layer "
                "does the same.",
            )
        if module is None and self._is_legacy:
            module = "keras"
        if not isinstance(module, str) or module.split(".")[0] != "keras":
            # Of a class that was never registered nobody knows more.
            registered = item.get("registered_name") or name
            self.classes[str(registered)] = str(module or "")
            return
        stock_objects.check_class(name, module, item, place)
        if name in stock.LAYERS:
            self.stock_layers.append(item)

    def _check_function(self, item, place):
        function = item.get("config")
        if isinstance(function, str) and (
            ">" in function or self._is_known(function)
        ):
            self.classes[function] = str(item.get("module") or "")
        else:
            stock_objects.check_function(item, place)
