"""Registry of named objects that installed distributions declare.

Names come from entry-point metadata alone; a plugin is imported only when one
of its names is asked for.
"""

import dataclasses
import re
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from keras_transfer import names as naming

RUNTIME = "registered in this process"


@dataclasses.dataclass(frozen=True)
class Plugin:
    """What is known of one distribution that declares names in a registry.

    Args:
        distribution: Name of the distribution, or `"registered in this
            process"`.
        version: Its version, or `""`.
        names: What it declares: backbones, `provider/name`, and classes that
            saved files may need, `package>ClassName`.
        state: `"ok"`, `"broken"` or `"conflict"`.
        errors: One sentence for each name that does not work.
    """

    distribution: str
    version: str
    names: tuple[str, ...]
    state: str
    errors: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Entry:
    distribution: str
    version: str
    value: str
    load: Callable[[], Any]


class Registry:
    """Finds objects by name among what distributions and this process declare.

    Args:
        group: The entry-point group. An entry point named `provider.name`
            is the object `provider/name`.
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
        self._entry_points = entry_points or self._installed
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
        """
        return [
            name
            for name in sorted(self._entries(), key=naming.natural_order)
            if (provider is None or name.split("/")[0] == provider)
            and naming.matches(name, include)
            and not naming.matches(name, exclude or ())
        ]

    def get(self, name: str) -> Any:
        """Loads the object of a full name, or of a short name that is unique.

        Raises:
            ValueError: For an unknown or ambiguous name, or one that two
                distributions claim. An exception raised by the plugin itself
                is passed on with a note that names the plugin.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"The name of a {self.kind} must be a string. Received: "
                f"{name!r} of type {type(name).__name__}."
            )
        entries = self._entries()
        full_name = self._resolve(name, entries)
        return self._load(full_name, entries[full_name])

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
        entry = self._entries()[name][0]
        return entry.distribution, entry.version

    def plugins(self) -> list[Plugin]:
        """Loads every plugin and reports, by distribution, what works."""
        by_distribution: dict[tuple[str, str], dict[str, str | None]] = {}
        conflicts = set()
        for name, entries in self._entries().items():
            error = None
            try:
                self._load(name, entries)
            except Exception as exception:  # Whatever a stranger's code raises.
                error = f"{name}: {type(exception).__name__}: {exception}"
            for entry in entries:
                key = (entry.distribution, entry.version)
                by_distribution.setdefault(key, {})[name] = error
                if len(entries) > 1:
                    conflicts.add(key)
        plugins = []
        for key, errors in sorted(by_distribution.items()):
            broken = tuple(error for error in errors.values() if error)
            state = "conflict" if key in conflicts else "broken"
            plugins.append(
                Plugin(
                    *key,
                    names=tuple(sorted(errors, key=naming.natural_order)),
                    state=state if broken else "ok",
                    errors=broken,
                )
            )
        return plugins

    def _installed(self):
        # Costs 20 ms to import, and most programs never list backbones.
        from importlib import metadata

        return metadata.entry_points(group=self.group)

    def _entries(self) -> dict[str, list[_Entry]]:
        entries: dict[str, list[_Entry]] = {}
        for point in self._entry_points():
            entry = _Entry(
                distribution=point.dist.name if point.dist else "unknown",
                version=point.dist.version if point.dist else "",
                value=point.value,
                load=point.load,
            )
            claims = entries.setdefault(self._spell(point.name), [])
            # One distribution can be found twice: installed in editable
            # mode, its metadata also lies in the source folder.
            if all(
                (entry.distribution, entry.value)
                != (claim.distribution, claim.value)
                for claim in claims
            ):
                claims.append(entry)
        for name, value in self._runtime.items():
            entries[name] = [_Entry(RUNTIME, "", "", lambda value=value: value)]
        return entries

    def _resolve(self, name, entries):
        if name in entries:
            return name
        if not entries:
            raise ValueError(
                f"No {self.kind} is registered, so {name!r} is unknown: the "
                "package keras-transfer is not installed. Run `pip install "
                "keras-transfer`, or `pip install -e .` in its source folder."
            )
        short = [full for full in entries if full.partition("/")[2] == name]
        if len(short) == 1:
            return short[0]
        if short:
            raise ValueError(
                f"The {self.kind} name {name!r} is ambiguous. Expected one "
                f"of {sorted(short)}."
            )
        raise ValueError(
            f"Unknown {self.kind} {name!r}.{naming.did_you_mean(name, entries)}"
            " `keras-transfer backbones list` shows all of them."
        )

    def _load(self, full_name, entries):
        if len(entries) > 1:
            owners = " and ".join(
                f"{entry.distribution} {entry.version}" for entry in entries
            )
            raise ValueError(
                f"The {self.kind} {full_name!r} is claimed by more than one "
                f"distribution: {owners}. Uninstall all but one of them."
            )
        (entry,) = entries
        try:
            return self._finish(full_name, entry.load())
        except Exception as exception:
            exception.add_note(
                f"Raised while loading the {self.kind} {full_name!r} of the "
                f"distribution {entry.distribution} {entry.version} "
                f"({entry.value})."
            )
            raise
