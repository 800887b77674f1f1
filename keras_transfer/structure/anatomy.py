"""The parts of a model: which of its layers is the backbone, what follows."""

import dataclasses
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import model_info
from keras_transfer.structure import paths
from keras_transfer.structure import stages
from keras_transfer.structure.graph import own_calls


@dataclasses.dataclass(frozen=True)
class Anatomy:
    """A model seen as a backbone and a head.

    Args:
        backbone: The backbone; the model itself where nothing is nested.
        path: Name of the backbone's layer in the model, or `""`.
        stages: Stages of the backbone from input to output.
        head: Operations of the model after its backbone.
    """

    backbone: keras.Model
    path: str
    stages: tuple[stages.Stage, ...]
    head: tuple[Any, ...]

    @property
    def held(self) -> dict[str, list[Any]]:
        """Operations of each stage of the backbone."""
        if not self.stages:
            return {}
        return stages.partition(self.backbone, self.stages)

    @property
    def indexed(self) -> list[Any]:
        """Operations as an index or a slice counts them: backbone, head."""
        return [*paths.operations_of(self.backbone), *self.head]


def dissect(model: keras.Model) -> Anatomy:
    """Finds the backbone and the head of a model, ours or not.

    The backbone is the one that `build_model` recorded, otherwise the nested
    model with the most weights, otherwise the model itself.

    Args:
        model: Any Keras model.
    """
    record = (model_info.find(model) or {}).get("backbone") or {}
    nested = {
        layer.name: layer
        for layer in model.layers
        if isinstance(layer, keras.Model)
    }
    is_backbone = model_info.provenance_of(model) is not None
    if is_backbone or not nested:
        return Anatomy(model, "", _stages(model, None), ())
    path = record.get("layer")
    if path not in nested:
        path = max(nested, key=lambda name: nested[name].count_params())
    backbone = nested[path]
    declared = record.get("stages") if record.get("layer") == path else None
    return Anatomy(
        backbone, path, _stages(backbone, declared), _after(model, backbone)
    )


def _stages(backbone, declared):
    if not compat.is_graph(backbone):
        return ()
    if declared:
        return stages.describe_stages(
            backbone, tuple(tuple(pair) for pair in declared)
        )
    return stages.stages_of(backbone)


def _after(model, backbone):
    """The operations that the backbone's output reaches, in order."""
    if not compat.is_graph(model):
        layers = model.layers
        return tuple(layers[layers.index(backbone) + 1 :])
    reached, after = set(), []
    for call in own_calls(model):
        is_backbone = call.operation is backbone
        if is_backbone or not reached.isdisjoint(call.inputs):
            reached.update(call.outputs)
            if not is_backbone and call.operation not in after:
                after.append(call.operation)
    return tuple(after)
