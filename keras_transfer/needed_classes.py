"""Classes beyond Keras's own that a saved model needs, with their owners."""

import json
import os
import pathlib
import re
import zipfile
from importlib import metadata
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer import plugin_classes

# Keras finds the classes of these packages by their module.
_FOUND_BY_MODULE = ("keras", "keras_hub", "keras_cv", "keras_nlp")
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
    for name in _recorded(model_metadata):
        if ">" in name and keras.saving.get_registered_object(name) is None:
            explanation = _explain([(name, "")], model_metadata)
            stub = MissingClass(name, f"The model file {explanation}")
            keras.saving.get_custom_objects()[name] = stub


def check_file(
    path: str | os.PathLike, model_metadata: dict[str, Any] | None = None
) -> None:
    """Checks that every class that a model file names can be found.

    Args:
        path: A `.keras` archive or folder.
        model_metadata: What is known of the model. Defaults to what the file
            itself holds.

    Raises:
        ValueError: If the file is damaged or a class is missing; names the
            distribution that the file says it is from.
    """
    config = _read_config(pathlib.Path(path))
    missing = [
        (name, module)
        for name, module in classes_in(config).items()
        if not _is_known(name, module)
    ]
    if missing:
        found = model_metadata or _find_metadata(config)
        explanation = _explain(missing, found)
        raise ValueError(f"The model file {os.fspath(path)!r} {explanation}")


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


def _is_known(name, module):
    if module.partition(".")[0] in _FOUND_BY_MODULE:
        return True
    found = keras.saving.get_registered_object(name)
    return found is not None and not isinstance(found, MissingClass)


def _read_config(path):
    try:
        if path.is_dir():
            return json.loads((path / "config.json").read_text())
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not a Keras model file, or a damaged "
            f"one: its config.json cannot be read ({error})."
        ) from error


def _find_metadata(config):
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            if item.get("registered_name") == _MODEL_INFO:
                return (item.get("config") or {}).get("metadata")
            pending.extend(item.values())
    return None


def _recorded(model_metadata):
    """The recorded owners; a file may hold anything in their place."""
    if not isinstance(model_metadata, dict):
        return {}
    classes = model_metadata.get("classes")
    return classes if isinstance(classes, dict) else {}


def _explain(missing, model_metadata):
    names = " and ".join(repr(name) for name, _ in missing)
    noun = "class" if len(missing) == 1 else "classes"
    for name, _ in missing:
        owner = _owner(_recorded(model_metadata).get(name))
        if owner is None and isinstance(model_metadata, dict):
            owner = _owner(model_metadata.get("backbone"))
        if owner is not None:
            return f"needs the {noun} {names} {_how_to_get(*owner)}"
    modules = sorted({module for _, module in missing if module})
    where = f" (of {' and '.join(map(repr, modules))})" if modules else ""
    return (
        f"needs the {noun} {names}{where}, which nothing installed declares. "
        "Install the package that provides it, or import the module that "
        "registers it before loading."
    )


def _owner(record):
    if not isinstance(record, dict):
        return None
    owner = record.get("distribution"), record.get("version") or ""
    # What a file says ends in a command that people copy.
    is_plain = all(
        isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9._+!-]*", text)
        for text in owner
    )
    if not is_plain or not owner[0] or owner[0] == "keras-transfer":
        return None
    return owner


def _how_to_get(distribution, version):
    origin = (
        f"of the distribution {distribution} {version}".rstrip()
        + " (as the file says)"
    )
    try:
        installed = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return (
            f"{origin}, which is not installed. Run `pip install "
            f"{distribution}` if you trust it."
        )
    return (
        f"{origin}, which the installed version {installed} does not declare. "
        f"Run `pip install '{distribution}>={version}'` if you trust it."
    )
