"""Which activations are taken, and how they are reached."""

import dataclasses
from typing import Any

import keras

from keras_transfer.extraction.calls import has_graph
from keras_transfer.extraction.tracing import trace
from keras_transfer.extraction.wanted import find_wanted
from keras_transfer.extraction.watched import find_watched
from keras_transfer.structure.grammar import UnknownSelector
from keras_transfer.structure.layer_paths import places_of

MODES = ("auto", "graph", "trace", "record")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What an extractor will do.

    Args:
        mode: `"graph"`, `"trace"` or `"record"`.
        activations: What is taken, by name.
        graph: The model whose graph shows the activations, or None where the
            model has to be run.
    """

    mode: str
    activations: dict[str, Any]
    graph: keras.Model | None

    @property
    def key(self) -> tuple:
        """Tells extractors of one model apart."""
        runs = self.graph is None
        taken = (
            (name, activation if runs else activation.path)
            for name, activation in self.activations.items()
        )
        return (self.mode, *taken)


def make_plan(model: keras.Model, selectors: Any, mode: str) -> Plan:
    """Finds what selectors ask for, in the first way that can reach it.

    Args:
        model: A built Keras model.
        selectors: See `build_extractor`.
        mode: One of `MODES`.

    Raises:
        ValueError: If nothing or too much is found, or if the mode cannot
            reach it.
        TypeError: For an object that is no selector.
    """
    if mode == "record":
        return _recording(model, selectors)
    used, graph = "graph", model
    if not has_graph(model):
        used, graph = "trace", _traced(model, mode)
    elif mode == "trace":
        raise ValueError(
            f"mode='trace' is for subclassed models, but {model.name!r} has a "
            "graph already. Use mode='graph' or mode='auto'."
        )
    if graph is None:
        return _recording(model, selectors)
    try:
        wanted = find_wanted(graph, selectors, hints=lambda: places_of(model))
    except UnknownSelector as error:
        if mode != "auto":
            raise
        try:
            return _recording(model, selectors)
        except UnknownSelector:
            # The graph knows more names: stages, and calls by their number.
            raise error from None
    return Plan(used, wanted, graph)


def _traced(model, mode):
    if mode == "graph":
        raise ValueError(
            f"mode='graph' needs a Functional or Sequential model that runs "
            f"its graph, but {model.name!r} is a {type(model).__name__} with a "
            "`call` of its own. Use mode='auto'."
        )
    traced = trace(model)
    if traced.model is None and mode == "trace":
        raise ValueError(
            f"mode='trace' cannot call {model.name!r} on symbolic inputs: "
            f"{traced.obstacle}. Use mode='record' or mode='auto'."
        )
    return traced.model


def _recording(model, selectors):
    return Plan("record", find_watched(model, selectors), None)
