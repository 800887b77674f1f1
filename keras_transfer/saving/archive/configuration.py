"""What the configuration of a model may ask for, object by object.

Keras makes an object of every dictionary that names a class, wherever it
stands. Each of them must be one of Keras's own that only computes, or be
registered under the name of a package, by an installed distribution or in this
process. The walk enters everything but the metadata of our own `ModelInfo`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_transfer.saving.archive import graph
from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import own_objects
from keras_transfer.saving.archive import stock_names as stock
from keras_transfer.saving.archive import stock_objects
from keras_transfer.saving.archive.entries import check_number
from keras_transfer.saving.archive.entries import check_shape
from keras_transfer.saving.archive.entries import refusal
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError


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
    written: str = "",
) -> Found:
    """Checks every object of a configuration against what is allowed.

    Args:
        config: What `config.json` holds.
        is_known: Whether a registered name can be provided here.
        is_legacy: Whether it is from an `.h5` file, where classes of Keras go
            by their names alone. Defaults to `False`.
        written: Version of the Keras that wrote it, for messages. Defaults to
            none.

    Raises:
        ModelFileError: For the first object that is not allowed.
    """
    if not isinstance(config.get("class_name"), str):
        raise ModelFileError("holds no model in config.json.", DAMAGED)
    walk = _Walk(is_known, is_legacy, written)
    walk.run(config)
    graph.check_calls(config)
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
    def __init__(self, is_known, is_legacy, written):
        self.classes = {}
        self.stock_layers = []
        self.layers = 0
        self.operations = 0
        self.model_info = None
        self._is_known = is_known
        self._is_legacy = is_legacy
        self._written = written

    def run(self, config):
        # Not recursive: a file must not be able to exhaust the stack. A place
        # is spelled when it is needed: all places of a file, in full, can be
        # many times as large as the file.
        pending = [(config, (None, "config"), 0, 0, False)]
        while pending:
            item, place, depth, objects, in_call = pending.pop()
            if depth > limits.JSON_DEPTH or objects > limits.OBJECT_DEPTH:
                raise refusal(
                    place,
                    f"nests config.json deeper than {limits.JSON_DEPTH} levels "
                    f"or {limits.OBJECT_DEPTH} objects",
                    UNUSUAL,
                )
            is_object = isinstance(item, dict) and "class_name" in item
            if is_object:
                objects += 1
                item = self._check_entry(item, place, in_call)
            children = (
                item.items() if isinstance(item, dict) else enumerate(item)
            )
            containers = []
            for key, value in children:
                if isinstance(value, (dict, list)):
                    calls = in_call or (is_object and key == "inbound_nodes")
                    containers.append(
                        (value, (place, key), depth + 1, objects, calls)
                    )
                elif isinstance(value, str):
                    if ">" in value and not is_object:
                        self._check_text(value, (place, key))
                elif value is not None:
                    check_number(value, key, place)
                if isinstance(key, str) and len(key) > limits.KEY_LENGTH:
                    raise refusal(
                        (place, key),
                        f"has a key of {len(key)} letters",
                        UNUSUAL,
                    )
            pending += reversed(containers)

    def _check_text(self, text, place):
        """Keras takes a registered name for the class, wherever it stands."""
        if not self._is_known(text):
            return
        if not self._is_legacy:
            raise refusal(
                place, f"names {text[:80]!r} and no object of it", UNUSUAL
            )
        self.classes.setdefault(text, "")

    def _check_entry(self, item, place, in_call):
        """Checks an object; returns what Keras may make objects of in it."""
        check_shape(item, place)
        name = item["class_name"]
        if name.startswith("__"):
            stock_objects.check_value(name, item, place)
            return item
        if in_call:
            raise refusal(
                place,
                f"calls a layer with an object of the class {name[:80]!r}",
                UNUSUAL,
            )
        if name == "function":
            self._check_function(item, place)
            return item
        # In `.h5` files, classes go by their names, whatever else is said.
        by_name = self._is_legacy and "module" not in item
        if not by_name and "module" not in item:
            raise refusal(
                place, f"names the class {name[:80]!r} of no module", UNUSUAL
            )
        registered = name if by_name else item.get("registered_name") or ""
        if ">" in registered:
            self._check_registered(registered, item, place)
        else:
            self._check_stock(name, item, place, by_name)
        self._count(name, place)
        if registered != own_objects.MODEL_INFO:
            return item
        metadata = own_objects.metadata_of(item, place)
        if self.model_info is None:
            self.model_info = metadata
        rest = {k: v for k, v in item["config"].items() if k != "metadata"}
        return {**item, "config": rest}

    def _count(self, name, place):
        around, _ = place
        if around is None or around[1] != "layers":
            return
        if name in stock.OPERATIONS - stock.LAYERS:
            self.operations += 1
        elif name != "InputLayer":
            self.layers += 1

    def _check_registered(self, registered, item, place):
        module = item.get("module") or ""
        if module.partition(".")[0] == "keras":
            raise refusal(
                place,
                f"passes {registered[:80]!r} off as a class of Keras",
                UNUSUAL,
            )
        own_objects.check_origin(registered, item, place)
        self.classes[registered] = module

    def _check_stock(self, name, item, place, by_name):
        module = "keras" if by_name else item["module"] or ""
        if module.split(".")[0] != "keras" and name not in stock.REFUSED:
            # Of a class that was never registered nobody knows more.
            registered = item.get("registered_name") or name
            self.classes[registered] = module
            return
        stock_objects.check_class(name, module, item, place, self._written)
        if name in stock.LAYERS:
            self.stock_layers.append(item)

    def _check_function(self, item, place):
        function = item.get("config")
        if isinstance(function, str) and (
            ">" in function or self._is_known(function)
        ):
            self.classes[function] = item.get("module") or ""
        else:
            stock_objects.check_function(item, place)
