"""What to say of classes that a model file needs and nothing here provides.

Keras is not imported: the command line says it of files that it only looks at.
"""

import importlib.util
import re
from importlib import metadata
from typing import Any


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
