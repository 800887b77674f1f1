"""Entry points of installed distributions, with the extras that they need."""

import dataclasses
import functools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of an object before it is loaded.

    Args:
        distribution: Name of the distribution that declares it.
        version: Its version, or `""`.
        value: Where the object is, `module:attribute`.
        load: Imports the module and returns the object.
        extras: Extras of the distribution that the object needs.
        requirements: Returns the requirements of the distribution.
    """

    distribution: str
    version: str
    value: str
    load: Callable[[], Any]
    extras: tuple[str, ...] = ()
    requirements: Callable[[], Iterable[str]] = tuple

    @property
    def part(self) -> str:
        """The distribution with the extras, as `pip install` takes it."""
        if not self.extras:
            return self.distribution
        return f"{self.distribution}[{','.join(self.extras)}]"

    def missing_packages(self) -> list[str]:
        """Lists the distributions of the extras that are not installed."""
        if not self.extras:
            return []
        from importlib import metadata

        from packaging.requirements import Requirement

        missing = []
        for text in self.requirements():
            requirement = Requirement(text)
            if not _is_of_extra(requirement.marker, self.extras):
                continue
            try:
                metadata.distribution(requirement.name)
            except metadata.PackageNotFoundError:
                missing.append(requirement.name)
        return missing


@dataclasses.dataclass(frozen=True)
class BrokenProvider:
    """A provider that cannot list its names.

    Args:
        name: Name of the provider, the part of its names before the slash.
        entry: The entry point that should list them.
        error: What was raised.
    """

    name: str
    entry: Entry
    error: Exception

    def __str__(self):
        return (
            f"The provider {self.name!r} of the distribution "
            f"{self.entry.distribution} {self.entry.version} "
            f"({self.entry.value}) cannot list its names: "
            f"{type(self.error).__name__}: {self.error}"
        )


@dataclasses.dataclass(frozen=True)
class Declared:
    """What the entry points of one group declare.

    Args:
        claims: For each name what claims it: one entry, where all is well.
        broken: The providers whose names are unknown.
    """

    claims: dict[str, list[Entry]]
    broken: tuple[BrokenProvider, ...]


def installed(group: str) -> Iterable[Any]:
    """Returns the entry points of a group, none of them loaded."""
    # Costs 20 ms to import, and most programs never list backbones.
    from importlib import metadata

    return metadata.entry_points(group=group)


def collect(points: Iterable[Any], spell: Callable[[str], str]) -> Declared:
    """Arranges entry points by the names of their objects.

    An entry point whose name has a dot, `provider.name`, is one object. One
    without a dot is a provider: a function that returns a dictionary, from
    what follows `provider.` to `module:attribute`. Its module is imported to
    list names, so it must not import Keras or another framework.

    Args:
        points: Entry points of one group.
        spell: Turns the name of an entry point into that of its object.
    """
    declared = Declared({}, ())
    # Asked once for each: it reads the whole metadata every time.
    owner_of = functools.cache(_owner_of)
    requirements_of = functools.cache(_requirements_of)
    for point in points:
        entry = Entry(
            *owner_of(point.dist),
            value=point.value,
            load=point.load,
            extras=tuple(point.extras),
            requirements=functools.partial(requirements_of, point.dist),
        )
        if "." in point.name:
            _claim(declared.claims, spell(point.name), entry)
            continue
        try:
            provided = _provided(entry, point)
        except Exception as error:  # Whatever a stranger raises.
            broken = BrokenProvider(point.name, entry, error)
            declared = Declared(declared.claims, (*declared.broken, broken))
            continue
        for name, value in provided.items():
            _claim(declared.claims, spell(f"{point.name}.{name}"), value)
    return declared


def _provided(entry, point) -> dict[str, Entry]:
    names = entry.load()()
    if not isinstance(names, Mapping):
        raise TypeError(
            "a provider returns a dictionary of names and 'module:attribute'. "
            f"Received: {names!r:.80}"
        )
    for name, value in names.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError(
                "a provider maps names to 'module:attribute', both strings. "
                f"Received: {name!r:.80}: {value!r:.80}"
            )
    return {
        name: dataclasses.replace(
            entry,
            value=value,
            # An entry point of this kind, which loads as the others do.
            load=type(point)(name, value, point.group).load,
        )
        for name, value in names.items()
    }


def _claim(claims, name, entry):
    others = claims.setdefault(name, [])
    # One distribution can be found twice: installed in editable mode, its
    # metadata also lies in the source folder.
    if all(
        (entry.distribution, entry.value) != (other.distribution, other.value)
        for other in others
    ):
        others.append(entry)


def _is_of_extra(marker, extras):
    if marker is None or marker.evaluate({"extra": ""}):
        return False  # Required in any case, so it is there.
    return any(marker.evaluate({"extra": extra}) for extra in extras)


def _owner_of(distribution):
    if distribution is None:
        return "unknown", ""
    return distribution.name, distribution.version


def _requirements_of(distribution):
    return (distribution.requires if distribution else None) or ()
