"""Table of what trains in a model."""

import dataclasses

import keras

from keras_transfer import compat
from keras_transfer.structure import anatomy
from keras_transfer.structure import model_info
from keras_transfer.structure import novelty
from keras_transfer.structure import origins
from keras_transfer.structure.text_table import Table


@dataclasses.dataclass(frozen=True)
class Part:
    """One row of the table: a stage, or what follows the backbone.

    Args:
        name: Name of the stage, or of the layer after the backbone.
        layers: Number of layers that hold weights.
        open_layers: Number of those with a trainable weight.
        parameters: Number of parameters.
        trainable: Number of trainable parameters.
        batch_norm: Policy of its BatchNormalization layers: `"full"`,
            `"frozen"`, `"statistics"`, `"affine"`, `"mixed"`, or `""` where
            there are none.
    """

    name: str
    layers: int
    open_layers: int
    parameters: int
    trainable: int
    batch_norm: str


@dataclasses.dataclass(frozen=True)
class TrainableSummary(Table):
    """What trains in a model, part by part; printing it gives the table.

    Args:
        parts: Rows from input to output.
    """

    parts: tuple[Part, ...]

    @property
    def parameters(self) -> int:
        """Number of all parameters."""
        return sum(part.parameters for part in self.parts)

    @property
    def trainable(self) -> int:
        """Number of trainable parameters."""
        return sum(part.trainable for part in self.parts)

    def table_rows(self):
        header = ("part", "layers", "open", "parameters", "trainable", "BN")
        rows = [
            (
                part.name,
                part.layers,
                part.open_layers,
                f"{part.parameters:,}",
                f"{part.trainable:,}",
                part.batch_norm,
            )
            for part in self.parts
        ]
        total = ("total", "", "", f"{self.parameters:,}", f"{self.trainable:,}")
        rows.append((*total, ""))
        return [header, *rows]


def trainable_summary(model: keras.Model) -> TrainableSummary:
    """Returns the table of what trains in a model, stage by stage.

    Args:
        model: A model or a backbone.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(2, name="output")]
    ... )
    >>> kt.trainable_summary(model).trainable
    10
    """
    found = novelty.find(model)
    held = found.stages
    head = found.head
    if not found.is_known:
        parts = anatomy.dissect(model)
        held, head = parts.held, parts.head
        if not held and not parts.path:
            held = {model.name: [model]}
    elif not held:
        held = {b.name: list(b.operations) for b in found.backbones}
    listed = {
        id(leaf)
        for operation in [*head, *sum(held.values(), [])]
        for leaf in origins.leaves_of(operation)
    }
    # Layers of models whose parts are unknown, beside the largest of them.
    beside = novelty.outermost(model, listed) if not found.is_known else ()
    rows = [
        *(_part(name, operations) for name, operations in held.items()),
        *(_part(op.name, [op]) for op in beside),
        *(_part(op.name, [op]) for op in head),
    ]
    return TrainableSummary(tuple(row for row in rows if row.parameters))


def _part(name, operations):
    layers = [
        layer
        for operation in operations
        if isinstance(operation, keras.layers.Layer)
        for layer in compat.sublayers(operation)
    ]
    # A layer that only holds other layers is not counted beside them.
    leaves = [layer for layer in layers if compat.own_variables(layer)]
    trainable = [
        v for la in leaves for v in compat.own_variables(la) if v.trainable
    ]
    weights = [v for la in leaves for v in compat.own_variables(la)]
    policies = {
        _policy(layer)
        for layer in leaves
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    return Part(
        name=name,
        layers=len(leaves),
        open_layers=sum(
            any(v.trainable for v in compat.own_variables(la)) for la in leaves
        ),
        parameters=model_info.count(weights),
        trainable=model_info.count(trainable),
        batch_norm="mixed" if len(policies) > 1 else "".join(policies),
    )


def _policy(layer):
    affine = any(v.trainable for v in compat.own_trainable_variables(layer))
    if layer.trainable:
        return "full" if affine else "statistics"
    return "affine" if affine else "frozen"
