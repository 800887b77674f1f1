"""The selector grammar: which named parts of a model a selector means."""

import fnmatch
import math
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import keras

from keras_transfer import names
from keras_transfer.structure import anatomy

GRAMMAR = (
    "a stage name, a layer path, a pattern with '*' or '?', an index or slice "
    "over `model.operations`, a fraction between 0 and 1, or a predicate"
)


class UnknownSelector(ValueError):
    """Says that a name or a pattern matches nothing in a model."""


class Grammar:
    """Finds the parts of one model that selectors name.

    A part is whatever the caller makes of an operation: the operation itself,
    where layers are selected, or one call of it, where activations are.

    Args:
        model: Any Keras model.
        parts: The model's anatomy.
        paths: Parts by their path, from input to output.
        stages: The parts that the name of a stage stands for.
        reserved: The same for `"backbone"` and `"head"`; a path of that name
            comes first.
        operation: Returns the operation of a part.
        hints: Returns further names that may have been meant, for the error.
    """

    def __init__(
        self,
        model: keras.Model,
        parts: anatomy.Anatomy,
        paths: dict[str, Any],
        stages: dict[str, list[Any]],
        reserved: dict[str, list[Any]],
        operation: Callable[[Any], Any] = lambda part: part,
        hints: Callable[[], Iterable[str]] = tuple,
    ):
        self.model = model
        self.anatomy = parts
        self.paths = paths
        self.stages = stages
        self.reserved = reserved
        self.operation = operation
        self.hints = hints

    @property
    def leaves(self) -> list[Any]:
        """The operations that are no models, from input to output."""
        found = {}
        for part in self.paths.values():
            operation = self.operation(part)
            if not isinstance(operation, keras.Model):
                found.setdefault(id(operation), operation)
        return list(found.values())

    def match(self, selector: Any) -> list[tuple[str, Any]]:
        """Returns `(name, part)` for everything that a selector means.

        A stage gives its parts under its own name.

        Raises:
            ValueError: For a selector that matches nothing, or an ambiguous
                name.
            TypeError: For an object that is no selector.
        """
        if isinstance(selector, str):
            return self._by_name(selector)
        if isinstance(selector, bool) or selector is None:
            raise TypeError(f"A selector is {GRAMMAR}. Received: {selector!r}.")
        if isinstance(selector, int):
            return self._by_index(selector)
        if isinstance(selector, slice):
            return self._by_slice(selector)
        if isinstance(selector, float):
            return self._by_fraction(selector)
        if callable(selector):
            return self._by_predicate(selector)
        raise TypeError(
            f"A selector is {GRAMMAR}. Received: {selector!r} of type "
            f"{type(selector).__name__}."
        )

    def _by_name(self, name):
        if name in self.stages:
            return [(name, part) for part in self.stages[name]]
        if name not in self.paths and self.reserved.get(name):
            return [(name, part) for part in self.reserved[name]]
        of_each = [
            (stage, part)
            for stage, parts in self.stages.items()
            if stage.endswith(f"/{name}")
            for part in parts
        ]
        if of_each and name not in self.paths:
            return of_each
        path = self._without_alias(name)
        if path in self.paths:
            return [(path, self.paths[path])]
        if is_pattern(path):
            return self._by_pattern(path)
        ends = [p for p in self.paths if p.endswith(f"/{path}")]
        if len({id(self.paths[p]) for p in ends}) == 1:
            return [(ends[0], self.paths[ends[0]])]
        if ends:
            raise ValueError(
                f"The selector {name!r} is ambiguous in {self.model.name!r}. "
                f"Expected one of the paths {ends}."
            )
        raise UnknownSelector(self._unknown(name))

    def _without_alias(self, name):
        first, slash, rest = name.partition("/")
        if first != "backbone" or first in self.paths:
            return name
        if self.anatomy.path:
            return self.anatomy.path + slash + rest
        return rest

    def _by_pattern(self, pattern):
        # Brackets are literal: layer names may hold them, and `fnmatch` would
        # read them as character sets.
        escaped = pattern.replace("[", "[[]")
        by_path = [
            (path, part)
            for path, part in self.paths.items()
            if fnmatch.fnmatchcase(path, escaped)
            or fnmatch.fnmatchcase(path.rpartition("/")[2], escaped)
        ]
        named = {id(part) for _, part in by_path}
        found = [
            (stage, part)
            for stage, parts in self.stages.items()
            if fnmatch.fnmatchcase(stage, escaped)
            or fnmatch.fnmatchcase(stage.rpartition("/")[2], escaped)
            for part in parts
            if id(part) not in named
        ] + by_path
        if not found:
            raise UnknownSelector(self._unknown(pattern))
        return found

    def _by_index(self, index):
        operations = self.anatomy.indexed
        if not -len(operations) <= index < len(operations):
            raise ValueError(
                f"The index {index} is out of range: {self.model.name!r} has "
                f"{len(operations)} operations."
            )
        return self._parts_of([operations[index]])

    def _by_slice(self, part):
        operations = self.anatomy.indexed
        if not operations[part]:
            raise ValueError(
                f"The slice {part.start}:{part.stop}:{part.step} selects none "
                f"of the {len(operations)} operations of {self.model.name!r}."
            )
        return self._parts_of(operations[part])

    def _by_fraction(self, fraction):
        if not 0 < fraction <= 1:
            raise ValueError(
                "A fraction of the layers must be above 0 and at most 1. "
                f"Received: {fraction!r}."
            )
        weighted = [op for op in self.leaves if getattr(op, "weights", ())]
        count = math.ceil(fraction * len(weighted))
        return self._parts_of(weighted[len(weighted) - count :])

    def _by_predicate(self, predicate):
        leaves = self.leaves
        found = [operation for operation in leaves if predicate(operation)]
        if not found:
            raise ValueError(
                f"The predicate {getattr(predicate, '__name__', predicate)!r} "
                f"is true for none of the {len(leaves)} layers of "
                f"{self.model.name!r}."
            )
        return self._parts_of(found)

    def _parts_of(self, operations: Iterable[Any]):
        wanted = {id(operation) for operation in operations}
        return [
            (path, part)
            for path, part in self.paths.items()
            if id(self.operation(part)) in wanted
        ]

    def _unknown(self, name):
        candidates = [
            *self.stages,
            "backbone",
            "head",
            *self.paths,
            *self.hints(),
        ]
        return (
            f"The selector {name!r} matches nothing in {self.model.name!r}. "
            f"Expected {GRAMMAR}; its stages are {list(self.stages)}."
            + names.did_you_mean(name, candidates)
        )


def is_pattern(name: str) -> bool:
    """Whether a name holds a wildcard."""
    return "*" in name or "?" in name
