"""What of a model is new: its backbones, known or said, and its head."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer.structure import model_info
from keras_transfer.structure import nesting
from keras_transfer.structure import origins
from keras_transfer.structure.backbones import Backbone
from keras_transfer.structure.backbones import by_origin
from keras_transfer.structure.backbones import nested
from keras_transfer.structure.paths import operations_of
from keras_transfer.structure.paths import paths_of
from keras_transfer.structure.text_table import text_table

_ROWS = 40


@dataclasses.dataclass(frozen=True)
class Novelty:
    """The parts of a model by where their weights came from.

    Args:
        backbones: What came from a source, in order.
        head: All else: operations from input to output, a nested model
            without anything pretrained as one.
        reason: Why it cannot be known; `""` where it is.
    """

    backbones: tuple[Backbone, ...]
    head: tuple[Any, ...]
    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the parts are known."""
        return not self.reason

    @property
    def has_new_weights(self) -> bool:
        """Whether it is known that some weights are new."""
        return self.is_known and any(map(origins.holders_of, self.head))

    @property
    def stages(self) -> dict[str, list[Any]]:
        """Operations by stage; that of one backbone of several has its name.

        They are in order from input to output, the last ones of all backbones
        at the end. A backbone without stages is one stage.
        """
        if len(self.backbones) == 1:
            return self.backbones[0].stages
        by_depth = []
        for number, backbone in enumerate(self.backbones):
            own = backbone.stages or {"": list(backbone.operations)}
            for depth, (name, held) in enumerate(reversed(own.items())):
                named = f"{backbone.name}/{name}" if name else backbone.name
                by_depth.append((-depth, number, named, held))
        by_depth.sort(key=lambda row: row[:2])
        return {name: held for _, _, name, held in by_depth}


def find(model: keras.Model) -> Novelty:
    """Finds what of a model came from a source, and what is new.

    What is noted on the layers decides: `create_backbone`, `build_model`, the
    loading of weights and `parting.say` do that. Otherwise the backbone that
    `ModelInfo` names, otherwise how models are nested.

    Args:
        model: Any built model.

    Example:
    >>> base = keras.Sequential(
    ...     [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)], name="base")
    >>> parts = find(keras.Sequential([base, keras.layers.Dense(2, name="a")]))
    >>> [backbone.name for backbone in parts.backbones]
    ['base']
    >>> [layer.name for layer in parts.head]
    ['a']
    """
    leaves = origins.leaves_of(model)
    noted = {id(leaf): origins.origins_in(leaf) for leaf in leaves}
    holding = [leaf for leaf in leaves if origins.holders_of(leaf)]
    known = set().union(*noted.values()) - {None}
    is_certain = any(origin.is_certain for origin in known)
    # Of what is loaded whole, only layers that are added later are new.
    has_more = any(None in noted[id(leaf)] for leaf in holding)
    if is_certain or (known and has_more):
        for leaf in holding:
            new = {o is None or o.is_new for o in noted[id(leaf)]}
            if len(new) > 1:
                return _unknown(
                    f"the layer {leaf.name!r} holds new and pretrained layers"
                )
        pretrained = {
            id(leaf): origin
            for leaf in leaves
            for origin in noted[id(leaf)]
            if origin is not None and not origin.is_new
        }
        pretrained |= _from_elsewhere(model, pretrained)
        return _divided(model, by_origin(model, pretrained), set(pretrained))
    layer, pairs = _recorded(model)
    if layer is not None:
        found, reason = [(layer, pairs)], ""
    else:
        backbones, reason = nesting.find_backbones(model)
        found = [(backbone, ()) for backbone in backbones]
    if reason:
        return _unknown(reason)
    path_of = {id(op): path for path, op in paths_of(model).items()}
    return _divided(
        model,
        [nested(op, path_of[id(op)], pairs) for op, pairs in found],
        {id(leaf) for op, _ in found for leaf in origins.leaves_of(op)},
    )


def note_file(model: keras.Model, name: str) -> None:
    """Notes on the layers of a model that it was loaded from a file.

    Args:
        model: The model. Where its `ModelInfo` names its backbone, the rest
            of it stays the head.
        name: The file.
    """
    backbone, pairs = _recorded(model)
    if backbone is None:
        origins.note_loaded(model, name)
    else:
        origins.mark([backbone], origins.Origin(backbone.name, name, pairs))


def question(model: keras.Model, reason: str, what: str) -> ValueError:
    """Returns the error that asks what is new, with the table of layers.

    Args:
        model: The model.
        reason: Why it cannot be known.
        what: Who asks.
    """
    rows = [
        (path, type(op).__name__, f"{model_info.count(op.weights):,}")
        for path, op in paths_of(model).items()
        if not isinstance(op, keras.Model) and getattr(op, "weights", ())
    ]
    if len(rows) > _ROWS:
        left_out = len(rows) - _ROWS
        half = _ROWS // 2
        gap = (f"({left_out} more)", "", "")
        rows = [*rows[:half], gap, *rows[-half:]]
    last = next((r[0] for r in reversed(rows)), "dense")
    table = text_table([("layer", "class", "weights"), *rows], numbers=True)
    return ValueError(
        f"{what} cannot know which layers of {model.name!r} are new and which "
        f"are pretrained: {reason}. Say it: head=[{last!r}] names all new "
        "layers by paths or patterns, `backbone=` the pretrained ones. Its "
        f"layers are:\n{table}"
    )


def pretrained_leaves(found: Novelty) -> set[int]:
    """The ids of all operations of the backbones that are no models.

    Args:
        found: The parts of a model.
    """
    return {
        id(leaf)
        for backbone in found.backbones
        for operation in backbone.operations
        for leaf in origins.leaves_of(operation)
    }


def _recorded(model):
    """The nested backbone that `ModelInfo` names, and its stages."""
    recorded = (model_info.find(model) or {}).get("backbone") or {}
    for layer in model.layers:
        is_named = layer.name == recorded.get("layer")
        if is_named and isinstance(layer, keras.Model):
            pairs = recorded.get("stages") or ()
            return layer, tuple((name, last) for name, last in pairs)
    return None, ()


def _from_elsewhere(model, pretrained):
    """Leaves of nested models that stand beside what is known, not after it."""
    trunks = [
        operation
        for operation in operations_of(model)
        if nesting.holds_model(operation)
        and nesting.is_trunk(operation)
        and not any(
            origins.origins_in(leaf) - {None}
            for leaf in origins.leaves_of(operation)
        )
    ]
    if not trunks:
        return {}
    known = [
        operation
        for operation in operations_of(model)
        if any(id(leaf) in pretrained for leaf in origins.leaves_of(operation))
    ]
    after = set().union(*nesting.reached(model, known).values())
    return {
        id(leaf): origin
        for trunk in trunks
        if id(trunk) not in after
        for origin in [origins.Origin(trunk.name, "elsewhere")]
        for leaf in origins.leaves_of(trunk)
    }


def _unknown(reason):
    return Novelty((), (), reason)


def _divided(model, backbones, pretrained):
    return Novelty(tuple(backbones), tuple(outermost(model, pretrained)))


def outermost(model: keras.Model, left_out: set[int]) -> Iterator[Any]:
    """Yields the operations of a model that hold none of some leaves.

    Args:
        model: Any model.
        left_out: Ids of the leaves. A model without them is one operation.
    """
    for operation in operations_of(model):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        ids = {id(leaf) for leaf in origins.leaves_of(operation)}
        if ids.isdisjoint(left_out) and id(operation) not in left_out:
            yield operation
        elif isinstance(operation, keras.Model):
            yield from outermost(operation, left_out)
