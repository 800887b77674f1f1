"""Classes beyond Keras's own that a saved model needs, with their owners."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.registry import plugin_classes

_MODEL_INFO = "keras_transfer>ModelInfo"


class MissingClass:
    """Stands for a class that a file needs and nothing installed provides.

    Args:
        name: `package>ClassName`.
        explanation: The sentence to raise when the class is needed.
    """

    def __init__(self, name: str, explanation: str):
        self.name = name
        self.explanation = explanation

    def from_config(self, config: dict[str, Any], **options: Any) -> Any:
        """Raises the explanation.

        Raises:
            ValueError: Always.
        """
        # The plugin may be installed or passed as a custom object next time.
        keras.saving.get_custom_objects().pop(self.name, None)
        raise ValueError(self.explanation)


def owners_of(model: keras.Model) -> dict[str, dict[str, str]]:
    """Maps the plugin classes in a model to the distributions they are from.

    Args:
        model: A built model.

    Returns:
        `{registered name: {"distribution": ..., "version": ...}}`, for what
        is declared in the group `keras_transfer.serializable`.
    """
    used = {
        keras.saving.get_registered_name(type(layer))
        for layer in compat.sublayers(model)
    }
    foreign = {name for name in used if _is_foreign(name)}
    if not foreign:
        return {}  # Without a look at every installed distribution.
    registry = plugin_classes.default_registry()
    owners = {}
    for name in sorted(foreign & set(registry.names())):
        distribution, version = registry.owner(name)
        owners[name] = {"distribution": distribution, "version": version}
    return owners


def explain_when_missing(model_metadata: Any) -> None:
    """Lets Keras explain classes that the rest of a file needs in vain.

    Plain `keras.saving.load_model` reads `ModelInfo` first, which calls this.

    Args:
        model_metadata: The metadata of a `ModelInfo` layer.
    """
    for name in plugin_classes.recorded(model_metadata):
        if ">" in name and keras.saving.get_registered_object(name) is None:
            explanation = plugin_classes.explain({name: ""}, model_metadata)
            stub = MissingClass(name, f"The model file {explanation}")
            keras.saving.get_custom_objects()[name] = stub


def is_known(name: str) -> bool:
    """Whether Keras finds a class or function by its registered name.

    Args:
        name: `package>Name`. Plugins count by what they declare; none of them
            is imported.
    """
    found = keras.saving.get_registered_object(name)
    return found is not None and not isinstance(found, MissingClass)


def activate(names: Iterable[str]) -> None:
    """Imports the plugins that declare classes, and no others.

    Args:
        names: Registered names that a file needs.

    Raises:
        ValueError: If two distributions claim a class, or it is registered
            under another name. An exception of the plugin itself is passed on
            with a note that names it.
    """
    for name in names:
        found = keras.saving.get_registered_object(name)
        if isinstance(found, plugin_classes.PluginClass):
            # Asking for it imports it.
            found.real  # noqa: B018


def classes_in(config: Any) -> dict[str, str]:
    """Maps each class and registered function of a configuration to a module.

    Args:
        config: What `config.json` of a model file holds, or any part of it.

    Returns:
        Registered names, or class names where nothing is registered, with the
        module that each was defined in when the file was written.
    """
    found: dict[str, str] = {}
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            name = _name_of(item)
            if name is not None:
                found[name] = str(item["module"] or "")
            if name != _MODEL_INFO:
                pending.extend(item.values())
    return dict(sorted(found.items()))


def _name_of(item):
    class_name = item.get("class_name")
    if not isinstance(class_name, str) or "module" not in item:
        return None
    if class_name == "function":
        # Those without a package are Keras's own, such as 'relu'.
        function = item.get("config")
        is_registered = isinstance(function, str) and ">" in function
        return function if is_registered else None
    if class_name.startswith("__"):
        return None  # Tensors, slices and the like.
    return str(item.get("registered_name") or class_name)


def _is_foreign(name):
    package, separator, _ = name.partition(">")
    return bool(separator) and package != "keras_transfer"
