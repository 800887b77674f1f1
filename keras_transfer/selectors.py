"""The selector grammar: how a part of a model is named."""

import fnmatch
import math
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import anatomy
from keras_transfer import names
from keras_transfer import stages
from keras_transfer.paths import paths_of

Selector = str | int | slice | float | Callable[[Any], bool]
Selectors = Selector | Sequence[Selector]

_GRAMMAR = (
    "a stage name, a layer path, a pattern with '*' or '?', an index or slice "
    "over `model.operations`, a fraction between 0 and 1, or a predicate"
)


def select(model: keras.Model, selectors: Selectors) -> list[Any]:
    """Returns the operations of a model that selectors name.

    A string is, in this order: a stage (`"stage_3"`), `"backbone"` or
    `"head"`, a path (`"backbone/conv1"`), the end of a path that only one
    layer has (`"conv1"`), or a pattern (`"*/conv2d_1*"`, `"stage_*"`).
    `"backbone"` stands for the backbone's layer whatever its name is.

    An index or a slice counts `model.operations`, which is what
    `model.layers` counted in Keras 2. Where the backbone is nested, its
    operations are counted, then those of the head.

    A fraction selects that share, from the output, of the layers that hold
    weights. A predicate is called with each layer.

    Args:
        model: Any Keras model.
        selectors: One selector or a sequence of them; `[]` selects nothing.

    Returns:
        Operations that are not models themselves, from input to output: a
        selected model stands for what it holds.

    Raises:
        ValueError: For a selector that matches nothing, or an ambiguous name.
        TypeError: For an object that is no selector.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> [layer.name for layer in select(model, "out*")]
    ['output']
    >>> [layer.name for layer in select(model, 0.5)]
    ['output']
    """
    if not isinstance(selectors, (list, tuple, set, frozenset)):
        selectors = [selectors]
    index = _Index(model)
    chosen = {
        id(operation)
        for selector in selectors
        for operation in index.match(selector)
    }
    return [op for op in index.leaves if id(op) in chosen]


class _Index:
    """The names of one model's parts."""

    def __init__(self, model):
        self.model = model
        self.anatomy = anatomy.dissect(model)
        self.paths = paths_of(model)
        self.leaves = list(
            {
                id(op): op
                for op in self.paths.values()
                if not isinstance(op, keras.Model)
            }.values()
        )
        self.stages = (
            stages.partition(self.anatomy.backbone, self.anatomy.stages)
            if self.anatomy.stages
            else {}
        )

    def match(self, selector):
        if isinstance(selector, str):
            return self._expand(self._by_name(selector))
        if isinstance(selector, bool) or selector is None:
            raise TypeError(
                f"A selector is {_GRAMMAR}. Received: {selector!r}."
            )
        if isinstance(selector, int):
            return self._expand(self._by_index(selector))
        if isinstance(selector, slice):
            return self._expand(self._by_slice(selector))
        if isinstance(selector, float):
            return self._by_fraction(selector)
        if callable(selector):
            return self._by_predicate(selector)
        raise TypeError(
            f"A selector is {_GRAMMAR}. Received: {selector!r} of type "
            f"{type(selector).__name__}."
        )

    def _by_name(self, name):
        if name in self.stages:
            return self.stages[name]
        if name == "head" and name not in self.paths and self.anatomy.head:
            return self.anatomy.head
        path = self._without_alias(name)
        if path in self.paths:
            return [self.paths[path]]
        if path == "" and self.anatomy.path == "":
            return self.leaves
        if any(character in path for character in "*?"):
            return self._by_pattern(path)
        ends = [p for p in self.paths if p.endswith(f"/{path}")]
        operations = {id(self.paths[p]): self.paths[p] for p in ends}
        if len(operations) == 1:
            return list(operations.values())
        if operations:
            raise ValueError(
                f"The selector {name!r} is ambiguous in {self.model.name!r}. "
                f"Expected one of the paths {ends}."
            )
        raise ValueError(self._unknown(name))

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
        found = [
            op
            for stage, operations in self.stages.items()
            if fnmatch.fnmatchcase(stage, escaped)
            for op in operations
        ]
        found += [
            op
            for path, op in self.paths.items()
            if fnmatch.fnmatchcase(path, escaped)
            or fnmatch.fnmatchcase(path.rpartition("/")[2], escaped)
        ]
        if not found:
            raise ValueError(self._unknown(pattern))
        return found

    def _by_index(self, index):
        operations = self.anatomy.indexed
        if not -len(operations) <= index < len(operations):
            raise ValueError(
                f"The index {index} is out of range: {self.model.name!r} has "
                f"{len(operations)} operations."
            )
        return [operations[index]]

    def _by_slice(self, part):
        operations = self.anatomy.indexed
        if not operations[part]:
            raise ValueError(
                f"The slice {part.start}:{part.stop}:{part.step} selects none "
                f"of the {len(operations)} operations of {self.model.name!r}."
            )
        return operations[part]

    def _by_fraction(self, fraction):
        if not 0 < fraction <= 1:
            raise ValueError(
                "A fraction of the layers must be above 0 and at most 1. "
                f"Received: {fraction!r}."
            )
        weighted = [op for op in self.leaves if getattr(op, "weights", ())]
        return weighted[-math.ceil(fraction * len(weighted)) :]

    def _by_predicate(self, predicate):
        found = [op for op in self.leaves if predicate(op)]
        if not found:
            raise ValueError(
                f"The predicate {getattr(predicate, '__name__', predicate)!r} "
                f"is true for none of the {len(self.leaves)} layers of "
                f"{self.model.name!r}."
            )
        return found

    def _expand(self, operations):
        """Replaces models by what they hold."""
        expanded = []
        for operation in operations:
            if isinstance(operation, keras.Model):
                expanded += paths_of(operation).values()
            else:
                expanded.append(operation)
        return [op for op in expanded if not isinstance(op, keras.Model)]

    def _unknown(self, name):
        candidates = [*self.stages, "backbone", "head", *self.paths]
        return (
            f"The selector {name!r} matches nothing in {self.model.name!r}. "
            f"Expected {_GRAMMAR}; its stages are {list(self.stages)}."
            + names.did_you_mean(name, candidates)
        )
