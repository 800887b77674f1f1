"""Classes of plugins that saved files need, imported when a file asks for one.

A distribution declares them in the entry-point group
`keras_transfer.serializable`: the entry `package.ClassName` is the class that
is registered with Keras as `package>ClassName`. Until a file needs it, a
stand-in holds its place in Keras's own table of custom objects. So only what
an installed distribution declares can be imported; a file chooses no module.

Keras is imported where it is needed: a list of what is declared needs none.
"""

import functools
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
