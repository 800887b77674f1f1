"""Classes of plugins that saved files need, imported when a file asks for one.

A distribution declares them in the entry-point group
`keras_transfer.serializable`: the entry `package.ClassName` is the class that
is registered with Keras as `package>ClassName`. Until a file needs it, a
stand-in holds its place in Keras's own table of custom objects. So only what
an installed distribution declares can be imported; a file chooses no module.

Keras is imported where it is needed: a list of what is declared needs none.
"""

import functools
import importlib.util
import re
from importlib import metadata
from typing import Any

from keras_transfer.registry import registry

GROUP = "keras_transfer.serializable"


class PluginClass:
    """Stands for a plugin's class until a file needs it.

    Args:
        name: `package>ClassName`, as the class is registered with Keras.
    """

    def __init__(self, name: str):
        self.name = name

    @functools.cached_property
    def real(self) -> type:
        """The class; asking for it imports the plugin.

        Kept here as well: while one file is read, Keras holds on to the table
        of custom objects as it was before.
        """
        import keras

        value = default_registry().get(self.name)
        keras.saving.get_custom_objects()[self.name] = value
        return value

    def from_config(self, config: dict[str, Any], **options: Any) -> Any:
        """Makes an object of the plugin's class, as Keras asks for it."""
        return self.real.from_config(config, **options)

    def __repr__(self):
        return f"<the class {self.name!r} of a plugin, not imported yet>"


def add_stubs() -> None:
    """Makes Keras know the declared classes without importing any of them.

    A class that is registered already stays as it is.
    """
    import keras

    known = keras.saving.get_custom_objects()
    for name in default_registry().names():
        known.setdefault(name, PluginClass(name))


def registered_name(entry_name: str) -> str:
    """Returns the name that Keras knows a declared class by.

    Args:
        entry_name: Name of the entry point; what follows its last dot is the
            name of the class.

    Example:
    >>> registered_name("my.nets.Scale")
    'my.nets>Scale'
    """
    package, _, class_name = entry_name.rpartition(".")
    return f"{package}>{class_name}"


@functools.cache
def default_registry() -> registry.Registry:
    """Returns the registry of the classes that distributions declare."""
    return registry.Registry(GROUP, "class", _as_class, spell=registered_name)


def _as_class(name, value):
    import keras

    # ValueError throughout: Keras buries a TypeError that is raised while it
    # reads a file under a dump of the whole configuration.
    if not isinstance(value, type) or not hasattr(value, "from_config"):
        raise ValueError(
            f"The entry point of {name!r} must lead to a layer or another "
            f"class with `get_config` and `from_config`. Received: {value!r}."
        )
    actual = keras.saving.get_registered_name(value)
    if actual != name:
        package, _, class_name = name.partition(">")
        raise ValueError(
            f"The class declared as {name!r} is registered with Keras as "
            f"{actual!r}. Decorate it with @keras.saving."
            f"register_keras_serializable({package!r}, {class_name!r})."
        )
    return value


def recorded(model_metadata: Any) -> dict[str, Any]:
    """Returns the owners that a file notes for its classes.

    Args:
        model_metadata: The metadata of a `ModelInfo` layer; a file may hold
            anything in its place.
    """
    if not isinstance(model_metadata, dict):
        return {}
    classes = model_metadata.get("classes")
    return classes if isinstance(classes, dict) else {}


def explain(missing: dict[str, str], model_metadata: Any) -> str:
    """Says what a file needs and where to get it, as "needs the class ...".

    Args:
        missing: Module of each missing class by its registered name.
        model_metadata: The metadata of a `ModelInfo` layer.
    """
    names = " and ".join(map(repr, missing))
    noun = "class" if len(missing) == 1 else "classes"
    for name in missing:
        owner = _owner(recorded(model_metadata).get(name))
        if owner is None and isinstance(model_metadata, dict):
            owner = _owner(model_metadata.get("backbone"))
        if owner is not None:
            return f"needs the {noun} {names} {_how_to_get(*owner)}"
    modules = sorted({module for module in missing.values() if module})
    where = f" (of {' and '.join(map(repr, modules))})" if modules else ""
    absent = sorted({m.split(".")[0] for m in modules if not _is_here(m)})
    way_out = (
        f"The package {absent[0]!r} is not installed: install it if you trust "
        "it, and import it before loading."
        if absent
        else "Install the package that provides it, or import the module that "
        "registers it before loading."
    )
    return (
        f"needs the {noun} {names}{where}, which nothing installed declares. "
        + way_out
    )


def _is_here(module):
    package = module.split(".")[0]
    # Of a name without dots, nothing is imported to find it.
    is_name = package.isidentifier() and package != "__main__"
    return not is_name or importlib.util.find_spec(package) is not None


def _owner(record):
    if not isinstance(record, dict):
        return None
    owner = record.get("distribution"), record.get("version") or ""
    # What a file says ends in a command that people copy.
    is_plain = all(
        isinstance(text, str)
        and re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._+!-]*)?", text)
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
