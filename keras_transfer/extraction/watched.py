"""The activations that only running a model shows."""

import re
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.extraction.wanted import add_named
from keras_transfer.extraction.wanted import named_selectors
from keras_transfer.structure import anatomy
from keras_transfer.structure import grammar
from keras_transfer.structure.paths import places_of


class Watched(NamedTuple):
    """One activation.

    Args:
        path: Path of the layer.
        call: Which of its calls in one run of the model, from 0.
        index: Position in what the call returns, or None where it returns one
            tensor.
    """

    path: str
    call: int = 0
    index: int | None = None


def find_watched(model: keras.Model, selectors: Any) -> dict[str, Watched]:
    """Finds the layers that selectors name, those inside layers included.

    Args:
        model: Any built model.
        selectors: As in `find_wanted`.

    Raises:
        ValueError: As in `find_wanted`, and for a path that two layers bear.
        TypeError: For an object that is no selector.
    """
    names = _grammar_of(model)
    found: dict[str, Watched] = {}
    for name, selector in named_selectors(selectors):
        add_named(found, name, selector, _match(names, selector))
    return found


def _grammar_of(model):
    places = places_of(model)
    parts = anatomy.dissect(model)
    prefix = f"{parts.path}/" if parts.path else ""
    return grammar.Grammar(
        model,
        parts,
        places,
        {
            stage.name: [places[prefix + stage.last_layer]]
            for stage in parts.stages
        },
        {
            "backbone": [places[parts.path]] if parts.path else [],
            "head": [places[op.name] for op in parts.head[-1:]],
        },
        operation=lambda place: place.layers[0],
    )


def _match(names, selector):
    base, call, index = selector, 0, None
    if isinstance(selector, str):
        base, call, index = _split(names, selector)
    is_name = isinstance(base, str) and not grammar.is_pattern(base)
    found = []
    for name, place in names.match(base):
        if len(place.layers) > 1:
            raise ValueError(
                f"{len(place.layers)} layers of {names.model.name!r} bear the "
                f"path {place.path!r}. Give them different names."
            )
        key = selector if is_name else name
        found.append((key, Watched(place.path, call, index)))
    return found


def _split(names, selector):
    """Splits `encoder/lstm:2[1]`, unless a layer bears that very name."""
    last_parts = {path.rpartition("/")[2] for path in names.paths}
    if selector.rpartition("/")[2] in last_parts:
        return selector, 0, None
    match = re.fullmatch(r"(.+?)(?::(\d+))?(?:\[(\d+)\])?", selector)
    base, call, index = match.groups()
    return base, int(call or 0), None if index is None else int(index)
