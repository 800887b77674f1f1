"""Schedules in JSON or YAML text."""

import functools
import inspect
import json
import os
import pathlib
from typing import Any
from typing import Self

import yaml

from keras_transfer import names
from keras_transfer.files.whole_files import replacing
from keras_transfer.schedules import as_data
from keras_transfer.schedules.as_data import from_data
from keras_transfer.schedules.as_data import to_data
from keras_transfer.structure.text_table import html_table

_KIND = "schedule"


class Writable:
    """Mixin: writes a schedule as text, with its arguments under their names.

    A file written by hand may leave out what has its default:

        schedule: GradualUnfreeze
        every: 2

    The name is that of the class, after that of its package where that is
    another one: `my_package>MySchedule`.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        name, kinds = _name_of(cls), _kinds()
        other = kinds.get(name, cls)
        if _place_of(other) != _place_of(cls):
            raise ValueError(
                f"Two schedules are called {name!r}: {_place_of(other)} and "
                f"{_place_of(cls)}. A file could mean either: rename one."
            )
        # A class that is defined anew, as in a notebook, replaces the old one.
        kinds[name] = cls

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as JSON data.

        Raises:
            ValueError: If one of them holds a function.
        """
        return {name: to_data(getattr(self, name)) for name in _arguments(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns the schedule that `get_config` described.

        Raises:
            ValueError: If the schedule has no such argument.
        """
        known = _arguments(cls)
        config = as_data.renewed(config, known)
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise ValueError(
                f"{cls.__name__} has no {unknown}. Expected some of {known}."
                + names.did_you_mean(unknown[0], known)
            )
        return cls(**{name: from_data(value) for name, value in config.items()})

    @property
    def is_data(self) -> bool:
        """Whether no argument holds a function, so that it can be written."""
        try:
            self.get_config()
        except ValueError:
            return False
        return True

    def _repr_html_(self):
        values = ((name, getattr(self, name)) for name in _arguments(self))
        rows = [(type(self).__name__, ""), *values]
        return html_table(rows)

    def to_data(self) -> dict[str, Any]:
        """Returns name and arguments of the schedule as JSON data."""
        return {_KIND: _name_of(type(self)), **self.get_config()}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Any:
        """Returns the schedule, of whatever kind, that `to_data` described.

        Raises:
            ValueError: If there is no schedule of that name, or more than one.
        """
        if not isinstance(data, dict) or not isinstance(data.get(_KIND), str):
            raise ValueError(
                f"A schedule must be a mapping with the key {_KIND!r}, such as "
                f"{{{_KIND!r}: 'LinearProbe'}}. Received: {data!r}."
            )
        arguments = {k: v for k, v in data.items() if k != _KIND}
        return _find(data[_KIND]).from_config(arguments)

    def to_json(self) -> str:
        """Returns the schedule as JSON text."""
        return json.dumps(self.to_data(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Any:
        """Returns the schedule that is written in JSON text."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"The schedule is not valid JSON: {error}."
            ) from error
        return cls.from_data(data)

    def to_yaml(self) -> str:
        """Returns the schedule as YAML text; needs PyYAML."""
        return yaml.safe_dump(self.to_data(), sort_keys=False)

    @classmethod
    def from_yaml(cls, text: str) -> Any:
        """Returns the schedule that is written in YAML text; needs PyYAML."""
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(
                f"The schedule is not valid YAML: {error}."
            ) from error
        return cls.from_data(data)

    def to_file(self, path: str | os.PathLike) -> None:
        """Writes the schedule to a `.json`, `.yaml` or `.yml` file."""
        text = self.to_json() if _is_json(path) else self.to_yaml()
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @classmethod
    def from_file(cls, path: str | os.PathLike) -> Any:
        """Reads a schedule from a `.json`, `.yaml` or `.yml` file."""
        is_json = _is_json(path)
        path = pathlib.Path(path)
        if not path.is_file():
            raise ValueError(f"There is no schedule file {os.fspath(path)!r}.")
        text = path.read_text(encoding="utf-8")
        return cls.from_json(text) if is_json else cls.from_yaml(text)


def means_the_same(old: Any, new: Any) -> bool:
    """Whether two schedules as data are one, by names of today or before.

    Args:
        old: What an earlier version may have written.
        new: What `to_data` returned just now, or `None`.
    """
    if old == new or old is None or new is None:
        return old == new
    try:
        return Writable.from_data(old).to_data() == new
    except (TypeError, ValueError):  # Of a class that is not there any more.
        return False


@functools.cache
def _kinds() -> dict[str, type]:
    """Every class of schedules, by its name in files."""
    return {}


def _name_of(kind):
    package = kind.__module__.partition(".")[0]
    is_bare = package in ("keras_transfer", "__main__")
    return kind.__name__ if is_bare else f"{package}>{kind.__name__}"


def _place_of(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def _find(name):
    kinds = {n: k for n, k in _kinds().items() if not inspect.isabstract(k)}
    if name in kinds:
        return kinds[name]
    # Version 0.1 wrote the name of the class alone.
    found = [full for full in kinds if full.partition(">")[2] == name]
    if len(found) == 1:
        return kinds[found[0]]
    if found:
        raise ValueError(
            f"The name {name!r} of a schedule is ambiguous. Expected one of "
            f"{sorted(found)}."
        )
    raise ValueError(
        f"Unknown schedule {name!r}. Expected one of {sorted(kinds)}."
        + names.did_you_mean(str(name), kinds)
    )


def _arguments(schedule):
    kind = schedule if isinstance(schedule, type) else type(schedule)
    if "__init__" not in vars(kind):
        return []
    return [*inspect.signature(kind.__init__).parameters][1:]


def _is_json(path):
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise ValueError(
            "A schedule file must end in .json, .yaml or .yml. Received: "
            f"{os.fspath(path)!r}."
        )
    return suffix == ".json"
