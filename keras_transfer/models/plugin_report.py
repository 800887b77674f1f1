"""What installed distributions declare, and what of it works."""

from keras_transfer import names
from keras_transfer.models import spec as backbone
from keras_transfer.registry import plugin_classes
from keras_transfer.registry import registry

_STATES = ("ok", "not installed", "broken", "conflict")  # From good to bad.


def plugins() -> list[registry.Plugin]:
    """Reports each distribution that provides backbones or classes for files.

    Every plugin is imported, each by itself: what one of them raises is in
    its `errors` and does not touch the others. What needs an extra of a
    distribution is reported by itself and may be `"not installed"`.

    Example:
    >>> ours = {plugin.distribution: plugin.state for plugin in plugins()}
    >>> ours["keras-transfer"]
    'ok'
    """
    reports: dict[tuple[str, str], registry.Plugin] = {}
    for plugin in (
        *backbone.default_registry().plugins(),
        *plugin_classes.default_registry().plugins(),
    ):
        key = (plugin.distribution, plugin.version)
        known = reports.get(key)
        reports[key] = plugin if known is None else _merged(known, plugin)
    return [reports[key] for key in sorted(reports)]


def _merged(one, other):
    return registry.Plugin(
        one.distribution,
        one.version,
        names=tuple(sorted(one.names + other.names, key=names.natural_order)),
        state=max(one.state, other.state, key=_STATES.index),
        errors=one.errors + other.errors,
    )
