"""What installed distributions declare, and what of it works."""

import dataclasses

from keras_transfer import names
from keras_transfer.models import spec
from keras_transfer.registry import plugin_classes
from keras_transfer.registry.registry import Registry

_STATES = ("ok", "not installed", "broken", "conflict")  # From good to bad.


@dataclasses.dataclass(frozen=True)
class Plugin:
    """What is known of one distribution that declares names in a registry.

    Args:
        distribution: Name of the distribution, or `"registered in this
            process"`. What needs an extra of it is reported by itself, as
            `name[extra]`.
        version: Its version, or `""`.
        names: What it declares: backbones, `provider/name`, and classes that
            saved files may need, `package>ClassName`.
        state: `"ok"`, `"broken"`, `"conflict"`, or `"not installed"` where
            the packages of the extra are missing.
        errors: One sentence for each name that does not work.
    """

    distribution: str
    version: str
    names: tuple[str, ...]
    state: str
    errors: tuple[str, ...]


def plugins() -> list[Plugin]:
    """Reports each distribution that provides backbones or classes for files.

    Every plugin is imported, each by itself: what one of them raises is in
    its `errors` and does not touch the others. What needs an extra of a
    distribution is reported by itself and may be `"not installed"`.

    Example:
    >>> import keras_transfer as kt
    >>> ours = {plugin.distribution: plugin.state for plugin in kt.plugins()}
    >>> ours["keras-transfer"]
    'ok'
    """
    reports: dict[tuple[str, str], Plugin] = {}
    for plugin in (
        *plugins_of(spec.default_registry()),
        *plugins_of(plugin_classes.default_registry()),
    ):
        key = (plugin.distribution, plugin.version)
        known = reports.get(key)
        reports[key] = plugin if known is None else _merged(known, plugin)
    return [reports[key] for key in sorted(reports)]


def plugins_of(registry: Registry) -> list[Plugin]:
    """Loads all that is declared in one registry and reports what works.

    Args:
        registry: Which one.
    """
    declared = registry.declared()
    absent = _absent_parts(declared)
    errors: dict[tuple[str, str], dict[str, str | None]] = {}
    conflicts = set()
    for name, claims in declared.claims.items():
        error = None
        if absent.isdisjoint(entry.part for entry in claims):
            try:
                registry.load(name, claims)
            except Exception as exception:  # Whatever a stranger raises.
                error = f"{name}: {type(exception).__name__}: {exception}"
        for entry in claims:
            key = (entry.part, entry.version)
            errors.setdefault(key, {})[name] = error
            if len(claims) > 1:
                conflicts.add(key)
    for broken in declared.broken:
        key = (broken.entry.part, broken.entry.version)
        errors.setdefault(key, {})[f"{broken.name}/*"] = str(broken)
    return [
        Plugin(
            *key,
            names=tuple(sorted(found, key=names.natural_order)),
            state=_state(key, found, absent, conflicts),
            errors=tuple(filter(None, found.values())),
        )
        for key, found in sorted(errors.items())
    ]


def _absent_parts(declared):
    """Distributions with extras whose packages are not all installed."""
    parts = {e.part: e for claims in declared.claims.values() for e in claims}
    return {p for p, entry in parts.items() if entry.missing_packages()}


def _state(key, errors, absent, conflicts):
    if any(errors.values()):
        return "conflict" if key in conflicts else "broken"
    return "not installed" if key[0] in absent else "ok"


def _merged(one, other):
    return Plugin(
        one.distribution,
        one.version,
        names=tuple(sorted(one.names + other.names, key=names.natural_order)),
        state=max(one.state, other.state, key=_STATES.index),
        errors=one.errors + other.errors,
    )
