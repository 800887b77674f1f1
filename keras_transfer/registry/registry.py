"""Registry of named objects that installed distributions declare.

Names come from entry-point metadata alone; a plugin is imported only when one
of its names is asked for.
"""

import functools
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from keras_transfer import names as naming
from keras_transfer.registry import entries
from keras_transfer.registry.entries import Entry

RUNTIME = "registered in this process"


class Registry:
    """Finds objects by name among what distributions and this process declare.

    Args:
        group: The entry-point group. An entry point named `provider.name`
            is the object `provider/name`; one named `provider` lists names
            of its own, see `entries.collect`.
        kind: What the objects are called in messages.
        finish: Called with the full name and the loaded object; returns what
            the registry hands out, or raises when the object is unsuitable.
        entry_points: A callable that returns the group's entry points.
            Defaults to those of the installed distributions.
        spell: Turns the name of an entry point into that of its object.
            Defaults to `provider.name` into `provider/name`.
    """

    def __init__(
        self,
        group: str,
        kind: str,
        finish: Callable[[str, Any], Any],
        entry_points: Callable[[], Iterable] | None = None,
        spell: Callable[[str], str] | None = None,
    ):
        self.group = group
        self.kind = kind
        self._finish = finish
        self._entry_points = entry_points or functools.partial(
            entries.installed, group
        )
        self._spell = spell or (lambda name: name.replace(".", "/", 1))
        self._runtime: dict[str, Any] = {}

    def names(
        self,
        include: str | Iterable[str] = "*",
        exclude: str | Iterable[str] | None = None,
        provider: str | None = None,
    ) -> list[str]:
        """Lists full names in natural order without importing any plugin.

        Args:
            include: Wildcard pattern or patterns, matched against full and
                short names, case-insensitively.
            exclude: Pattern or patterns of names to leave out.
            provider: Keep only this provider's names.

        A provider that cannot list its names is a warning.
        """
        declared = self.declared()
        for broken in declared.broken:
            warnings.warn(f"{broken}.", stacklevel=3)
        return [
            name
            for name in sorted(declared.claims, key=naming.natural_order)
            if (provider is None or name.split("/")[0] == provider)
            and naming.matches(name, include)
            and not naming.matches(name, exclude or ())
        ]

    def get(self, name: str) -> Any:
        """Loads the object of a full name, or of a short name that is unique.

        An object that needs no extra of its distribution has the short name
        before those that need one: what is sure to work comes first.

        Raises:
            ValueError: For an unknown or ambiguous name, one that two
                distributions claim, or one whose extra is not installed. An
                exception raised by the plugin itself is passed on with a note
                that names the plugin. An unknown name of a provider that
                cannot list its names is raised from what the provider raised.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"The name of a {self.kind} must be a string. Received: "
                f"{name!r} of type {type(name).__name__}."
            )
        declared = self.declared()
        claims = declared.claims
        full_name = self._resolve(name, declared)
        return self.load(full_name, claims[full_name])

    def register(self, name: str, value: Any, override: bool = False) -> None:
        """Adds an object for the life of this process.

        Raises:
            ValueError: If the name is malformed, or taken and `override` is
                false.
        """
        if not isinstance(name, str) or not re.fullmatch(
            r"[\w.-]+/[\w.-]+", name
        ):
            raise ValueError(
                f"The name of a {self.kind} is 'provider/name', made of "
                f"letters, digits, '_', '-' and '.'. Received: {name!r}."
            )
        if not override and name in self._entries():
            owner = self._entries()[name][0].distribution
            raise ValueError(
                f"The {self.kind} {name!r} exists already ({owner}). Choose "
                "another name, or pass override=True to replace it."
            )
        self._finish(name, value)  # Raises before anything is stored.
        self._runtime[name] = value

    def owner(self, name: str) -> tuple[str, str]:
        """Returns distribution and version that declare a full name."""
        return self.owners()[name]

    def owners(self) -> dict[str, tuple[str, str]]:
        """Maps every full name to the distribution and version behind it."""
        return {
            name: (claims[0].distribution, claims[0].version)
            for name, claims in self._entries().items()
        }

    def declared(self) -> entries.Declared:
        """Returns what distributions and this process declare now."""
        found = entries.collect(self._entry_points(), self._spell)
        for name, value in self._runtime.items():
            found.claims[name] = [
                Entry(RUNTIME, "", "", lambda value=value: value)
            ]
        return found

    def _entries(self) -> dict[str, list[Entry]]:
        return self.declared().claims

    def _resolve(self, name, declared):
        claims = declared.claims
        if name in claims:
            return name
        for broken in declared.broken:
            if name.startswith((f"{broken.name}/", f"{broken.name}.")):
                raise ValueError(f"{broken}.") from broken.error
        if not claims:
            raise ValueError(
                f"No {self.kind} is registered, so {name!r} is unknown: the "
                "package keras-transfer is not installed. Run `pip install "
                "keras-transfer`, or `pip install -e .` in its source folder."
            )
        short = [full for full in claims if full.partition("/")[2] == name]
        sure = [full for full in short if not claims[full][0].extras]
        short = sure or short
        if len(short) == 1:
            return short[0]
        if short:
            raise ValueError(
                f"The {self.kind} name {name!r} is ambiguous. Expected one "
                f"of {sorted(short)}."
            )
        raise ValueError(
            f"Unknown {self.kind} {name!r}.{naming.did_you_mean(name, claims)}"
            " `keras-transfer backbones list` shows all of them."
            + "".join(f" {broken}." for broken in declared.broken)
        )

    def load(self, full_name: str, claims: list[Entry]) -> Any:
        """Loads the object of a full name.

        Args:
            full_name: The name, `provider/name`.
            claims: What claims it.

        Raises:
            ValueError: As for `get`.
        """
        if len(claims) > 1:
            owners = " and ".join(
                f"{entry.distribution} {entry.version}" for entry in claims
            )
            raise ValueError(
                f"The {self.kind} {full_name!r} is claimed by more than one "
                f"distribution: {owners}. Uninstall all but one of them."
            )
        (entry,) = claims
        missing = entry.missing_packages()
        if missing:
            raise ValueError(
                f"The {self.kind} {full_name!r} needs "
                f"{' and '.join(missing)}, which is not installed. Run "
                f"`pip install '{entry.part}'`."
            )
        try:
            return self._finish(full_name, entry.load())
        except Exception as exception:
            exception.add_note(
                f"Raised while loading the {self.kind} {full_name!r} of the "
                f"distribution {entry.distribution} {entry.version} "
                f"({entry.value})."
            )
            raise
