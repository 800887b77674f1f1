"""Which activations are taken, and how they are reached."""

import dataclasses
import inspect
from collections.abc import Callable
from collections.abc import Hashable
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer.extraction.wanted import find_wanted
from keras_transfer.extraction.watched import find_watched
from keras_transfer.structure.grammar import UnknownSelector
from keras_transfer.structure.graph import has_graph
from keras_transfer.structure.paths import places_of

_ATTRIBUTE = "keras_transfer_extractors"
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


class Trace(NamedTuple):
    """What came of tracing a model.

    Args:
        model: A Functional model over the same layers, or None.
        obstacle: Why there is none.
    """

    model: keras.Model | None
    obstacle: str = ""


def trace(model: keras.Model) -> Trace:
    """Calls a subclassed model on symbolic inputs and keeps its graph.

    That works where its `call` is made of Keras layers and `keras.ops`, and
    does not branch on values. What a composite layer does inside stays hidden.

    Args:
        model: A built model without a graph.
    """
    # Also a failure is kept: the layers that were reached remember the attempt.
    return keep(model, "trace", lambda: _trace(model))


def _trace(model):
    inputs = _inputs_of(model)
    if inputs is None:
        return Trace(None, "the shape of its input is not recorded")
    options = {}
    if "training" in inspect.signature(model.call).parameters:
        options["training"] = False
    # Whatever a `call` raises on symbolic tensors, it says no more than that
    # this model has to be run to see what it does. It is run then, and an
    # error of its own appears there.
    try:
        outputs = model.call(inputs, **options)
        traced = keras.Model(
            inputs, outputs, name=model.name, trainable=model.trainable
        )
    except Exception as error:
        return Trace(None, f"{type(error).__name__}: {error}")
    return Trace(traced)


def _inputs_of(model) -> Any:
    """Symbolic inputs of the shape that the model was built with."""
    shape = (model.get_build_config() or {}).get("input_shape")
    if shape is None:
        return None
    return keras.tree.map_shape_structure(
        lambda size: keras.Input(batch_shape=(None, *size[1:])), shape
    )


class KeptExtractors:
    """What was built for one graph of a model.

    A plain object and no dictionary, since Keras saves what it finds in those.

    Args:
        outputs: The tensors that the graph ends in.
    """

    def __init__(self, outputs: tuple[Any, ...]):
        self.outputs = outputs
        self.built: dict[Hashable, Any] = {}


def keep(
    model: keras.Model, key: Hashable, build: Callable[[], Any]
) -> keras.Model:
    """Returns what was built for this key, or builds it.

    Each extractor that reaches into a nested model adds calls to the layers
    around it, for good: without this a loop over images would grow the model.
    The model holds what was built, and nothing else does, so that both go
    together.

    Args:
        model: The model to extract from.
        key: Tells extractors of one model apart.
        build: Makes the extractor.
    """
    # A `Sequential` model has no outputs before it is built, and others once
    # a layer was added.
    outputs = tuple(getattr(model, "outputs", None) or ())
    kept = getattr(model, _ATTRIBUTE, None)
    if kept is None or not _same(kept.outputs, outputs):
        kept = KeptExtractors(outputs)
        # Past Keras's attribute tracking: the model must not hold extractors
        # as layers of its own.
        object.__setattr__(model, _ATTRIBUTE, kept)
    if key not in kept.built:
        kept.built[key] = build()
    return kept.built[key]


def _same(tensors, others):
    return len(tensors) == len(others) and all(
        a is b for a, b in zip(tensors, others, strict=True)
    )
