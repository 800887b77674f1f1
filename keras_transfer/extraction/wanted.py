"""The activations that selectors ask for."""

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.structure import anatomy
from keras_transfer.structure import grammar
from keras_transfer.structure.graph import Call
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import calls_of


class Wanted(NamedTuple):
    """One activation.

    Args:
        path: Its full path in the model, with `[i]` where the call returns
            several tensors.
        call: The call that returns it.
        index: Its position in what the call returns.
    """

    path: str
    call: Call
    index: int

    @property
    def ref(self) -> Ref:
        """The activation in the graph of the model."""
        return self.call.outputs[self.index]


def find_wanted(
    model: keras.Model,
    selectors: Any,
    hints: Callable[[], Iterable[str]] = tuple,
) -> dict[str, Wanted]:
    """Finds the activations that selectors ask for in a model's graph.

    Args:
        model: A model with a graph.
        selectors: One selector, a sequence of them, or a dictionary of them by
            the name that each activation shall have.
        hints: Returns further names that may have been meant, for the error.

    Returns:
        The activations by name, in the order asked for.

    Raises:
        ValueError: For a selector that matches nothing or is ambiguous, for a
            name that would be given twice, and where nothing is selected.
        TypeError: For an object that is no selector.
    """
    names = _grammar_of(model, hints)
    found: dict[str, Wanted] = {}
    for name, selector in named_selectors(selectors):
        add_named(found, name, selector, _match(names, selector))
    return found


def add_named(
    found: dict[str, Any],
    name: str | None,
    selector: Any,
    matches: list[tuple[str, Any]],
) -> None:
    """Adds what a selector matched, under the name that it shall have.

    Args:
        found: What was found before, by name.
        name: The name asked for, or None.
        selector: The selector.
        matches: What it matched, each with the name that it has of itself.

    Raises:
        ValueError: If one name is for several activations.
    """
    if name is not None:
        if len(matches) != 1:
            raise ValueError(
                f"The selector {selector!r} of {name!r} matches "
                f"{len(matches)} activations: {[key for key, _ in matches]}. "
                "Expected one for each name."
            )
        matches = [(name, matches[0][1])]
    for key, activation in matches:
        known = found.setdefault(key, activation)
        if known.path != activation.path:
            raise ValueError(
                f"Two activations would be called {key!r}: {known.path!r} and "
                f"{activation.path!r}. Give them names: "
                "build_extractor(model, {name: selector, ...})."
            )


def named_selectors(selectors: Any) -> list[tuple[str | None, Any]]:
    """Returns `(name, selector)` pairs; the name is None where none is given.

    Raises:
        ValueError: If there is no selector.
        TypeError: If a name is no string.
    """
    if isinstance(selectors, Mapping):
        for name in selectors:
            if not isinstance(name, str):
                raise TypeError(
                    "The keys of a dictionary of selectors are the names of "
                    f"the activations, strings. Received: {name!r}."
                )
        pairs = list(selectors.items())
    elif isinstance(selectors, (list, tuple, set, frozenset)):
        pairs = [(None, selector) for selector in selectors]
    else:
        pairs = [(None, selectors)]
    if not pairs:
        raise ValueError(
            "An extractor needs at least one selector, for example "
            "build_extractor(model, 'stage_3'). Received: none."
        )
    return pairs


def _grammar_of(model, hints):
    calls = calls_of(model)
    parts = anatomy.dissect(model)
    prefix = f"{parts.path}/" if parts.path else ""
    ends = _ends(model, calls)
    return grammar.Grammar(
        model,
        parts,
        calls,
        {
            stage.name: [calls[prefix + stage.last_layer]]
            for stage in parts.stages
            # The call of a backbone may do something else than its graph.
            if prefix + stage.last_layer in calls
        },
        {
            "backbone": [calls[parts.path]] if parts.path else ends,
            "head": ends if parts.head else [],
        },
        operation=lambda call: call.operation,
        hints=hints,
    )


def _ends(model, calls):
    """The calls of a model that return its outputs."""
    outputs = {Ref((), tensor) for tensor in model.outputs}
    return [c for c in calls.values() if not outputs.isdisjoint(c.outputs)]


def _match(names, selector):
    base, index = selector, None
    if isinstance(selector, str):
        base, index = _split_index(names, selector)
    matches = names.match(base)
    if not matches:
        raise ValueError(
            f"The selector {selector!r} names only inputs of "
            f"{names.model.name!r}. Expected something that it computes."
        )
    is_name = isinstance(base, str) and not grammar.is_pattern(base)
    if is_name and len(matches) > 1:
        paths = [call.path for _, call in matches]
        raise ValueError(
            f"{base!r} stands for {len(paths)} activations of "
            f"{names.model.name!r}. Expected one of {paths}."
        )
    return [
        pair
        for name, call in matches
        for pair in _outputs(
            base if is_name else name, call, index, must_choose=is_name
        )
    ]


def _outputs(key, call, index, must_choose):
    """Returns what a call returns, under one key or under numbered ones."""
    count = len(call.outputs)
    numbered = [f"{call.path}[{i}]" for i in range(count)]
    if index is not None:
        if index >= count:
            raise ValueError(
                f"The layer {call.path!r} returns {count} tensor(s). Received: "
                f"'{key}[{index}]'."
            )
        path = numbered[index] if count > 1 else call.path
        return [(f"{key}[{index}]", Wanted(path, call, index))]
    if count == 1:
        return [(key, Wanted(call.path, call, 0))]
    if must_choose:
        raise ValueError(
            f"The layer {key!r} returns {count} tensors. Expected one of "
            f"{numbered}."
        )
    return [(f"{key}[{i}]", Wanted(numbered[i], call, i)) for i in range(count)]


def _split_index(names, selector):
    """Splits `attention[1]`, unless a layer bears that very name."""
    match = re.fullmatch(r"(.+)\[(\d+)\]", selector)
    last_parts = {path.rpartition("/")[2] for path in names.paths}
    if match is None or selector.rpartition("/")[2] in last_parts:
        return selector, None
    return match.group(1), int(match.group(2))
