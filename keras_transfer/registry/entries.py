"""Entry points of installed distributions, with the extras that they need."""

import dataclasses
import functools
import re
from collections.abc import Callable
from collections.abc import Iterable
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

        missing = []
        for requirement in self.requirements():
            name, _, marker = requirement.partition(";")
            extra = re.search(r"""extra *== *["']([^"']+)["']""", marker)
            if extra is not None and extra[1] in self.extras:
                name = re.match(r"[\w.-]+", name.strip())[0]
                try:
                    metadata.distribution(name)
                except metadata.PackageNotFoundError:
                    missing.append(name)
        return missing


def installed(group: str) -> Iterable[Any]:
    """Returns the entry points of a group, none of them loaded."""
    # Costs 20 ms to import, and most programs never list backbones.
    from importlib import metadata

    return metadata.entry_points(group=group)


def collect(
    points: Iterable[Any], spell: Callable[[str], str]
) -> dict[str, list[Entry]]:
    """Arranges entry points by the names of their objects.

    Args:
        points: Entry points of one group.
        spell: Turns the name of an entry point into that of its object.

    Returns:
        For each name what claims it: one entry, where all is well.
    """
    entries: dict[str, list[Entry]] = {}
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
        claims = entries.setdefault(spell(point.name), [])
        # One distribution can be found twice: installed in editable
        # mode, its metadata also lies in the source folder.
        if all(
            (entry.distribution, entry.value)
            != (claim.distribution, claim.value)
            for claim in claims
        ):
            claims.append(entry)
    return entries


def _owner_of(distribution):
    if distribution is None:
        return "unknown", ""
    return distribution.name, distribution.version


def _requirements_of(distribution):
    return (distribution.requires if distribution else None) or ()
