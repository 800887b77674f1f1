"""Backbones of a model: nested models, or layers that bear the same note."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import origins
from keras_transfer.structure import stages
from keras_transfer.structure.paths import operations_of


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A part of a model whose weights came from a source.

    Args:
        name: Its name.
        path: Path of the nested model or wrapper that it is; `""` where its
            layers stand in the model itself.
        operations: What it consists of: that model, or those layers.
        stages: Operations of each stage, from input to output; empty where
            stages are unknown.
    """

    name: str
    path: str
    operations: tuple[Any, ...]
    stages: dict[str, list[Any]]


def by_origin(
    model: keras.Model, origin_of: dict[int, origins.Origin], prefix: str = ""
) -> list[Backbone]:
    """Returns the backbones of a model by what is noted on its layers.

    Args:
        model: The model.
        origin_of: Where the weights of a leaf came from, by its id.
        prefix: Path of the model in another one, with a slash at its end.
    """
    whole = _only_origin(model, origin_of)
    if whole is not None:
        return [nested(model, prefix.rstrip("/"), whole.stages, whole.name)]
    found: list[Backbone] = []
    flat: dict[int, list[Any]] = {}
    noted = {}
    for operation in operations_of(model):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        path = prefix + operation.name
        origin = _only_origin(operation, origin_of)
        if isinstance(operation, keras.Model) or _wraps_model(operation):
            if origin is not None:
                found.append(nested(operation, path, origin.stages))
            elif isinstance(operation, keras.Model):
                found += by_origin(operation, origin_of, f"{path}/")
        elif origin is not None:
            noted[id(origin)] = origin
            flat.setdefault(id(origin), []).append(operation)
    for key, operations in flat.items():
        origin = noted[key]
        held = _stages(model, origin.stages, {id(op) for op in operations})
        found.append(Backbone(origin.name, "", tuple(operations), held))
    return found


def _only_origin(operation, origin_of):
    """The origin of all that an operation holds, if it is one."""
    leaves = origins.leaves_of(operation)
    # What holds no weights goes with what does.
    decisive = [leaf for leaf in leaves if origins.holders_of(leaf)] or leaves
    found = {id(o): o for o in (origin_of.get(id(leaf)) for leaf in decisive)}
    return next(iter(found.values())) if len(found) == 1 else None


def _wraps_model(operation):
    return isinstance(operation, keras.layers.Wrapper) and isinstance(
        operation.layer, keras.Model
    )


def nested(
    operation: Any,
    path: str,
    pairs: Sequence[tuple[str, str]],
    name: str | None = None,
) -> Backbone:
    """Returns a nested model, or one in a wrapper, as a backbone.

    Args:
        operation: The model or its wrapper.
        path: Its path.
        pairs: Name and last layer of each stage; empty to find them.
        name: What it is called where it is the whole model.
    """
    held = {}
    inner = operation
    if _wraps_model(operation):
        inner = operation.layer
    if inner is operation and compat.is_graph(operation):
        held = _stages(operation, pairs, None)
    return Backbone(
        name if name and not path else inner.name, path, (operation,), held
    )


def _stages(model, pairs, only):
    """Operations by stage, those among `only` where that is given."""
    if not compat.is_graph(model):
        return {}
    names = {operation.name for operation in operations_of(model)}
    kept = tuple(pair for pair in pairs if pair[1] in names)
    if kept:
        boundaries = tuple(stages.Stage(*pair) for pair in kept)
    else:
        boundaries = stages.stages_of(model)
    divided = stages.partition(model, boundaries)
    if only is None:
        return divided
    divided = {
        name: [op for op in operations if id(op) in only]
        for name, operations in divided.items()
    }
    return {name: held for name, held in divided.items() if held}
