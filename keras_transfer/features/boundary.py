"""The freeze boundary: where it lies, and what crosses it."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.features.rows import Rows
from keras_transfer.features.steps import GraphPart
from keras_transfer.features.steps import flatten
from keras_transfer.structure.graph import FlatModel

_ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float64": 8, "uint8": 1}
_FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclasses.dataclass(frozen=True)
class Split:
    """A model in two parts that share its weights.

    `suffix(prefix(inputs))` equals the output of the model. Inputs and outputs
    are lists of tensors, since a skip connection may cross the boundary too.

    Args:
        prefix: Everything before the boundary: frozen, without randomness.
        suffix: The layers that train, and all that depend on them.
    """

    prefix: GraphPart
    suffix: GraphPart

    @property
    def computes_something(self) -> bool:
        """Whether the prefix has weights, so that caching saves work."""
        return bool(self.prefix.weights)

    @property
    def open_shape(self) -> tuple[int | None, ...] | None:
        """The shape of a computed row whose size is open, if there is one."""
        shapes = (tuple(r.spec.shape[1:]) for r in self.prefix.output_refs)
        found = (shape for shape in shapes if None in shape)
        return next(found, None) if self.prefix.steps else None

    @property
    def row_bytes(self) -> int:
        """Bytes of the features of one image.

        Raises:
            ValueError: If a size is not fixed, as for images of any size.
        """
        return sum(
            math.prod(closed_shape(ref.spec))
            * _ITEM_BYTES.get(ref.spec.dtype, 4)
            for ref in self.prefix.output_refs
        )


def split_at_boundary(model: keras.Model) -> Split:
    """Splits a model at its freeze boundary.

    The prefix consists of the frozen layers that depend on the inputs and on
    other frozen layers only, and draw no random numbers in training. The
    boundary may lie inside a nested backbone or a head, and several tensors
    may cross it.

    Args:
        model: A model with a static graph; its present `trainable` flags
            decide.

    Raises:
        ValueError: If the model is subclassed.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> kt.freeze(model)
    >>> parts = kt.split_at_boundary(model)
    >>> [tuple(x.shape) for x in parts.prefix([np.ones((5, 8, 8, 3))])]
    [(5, 4)]
    """
    return divide(flatten(model))


def is_settled(operation: Any) -> bool:
    """Whether equal inputs give equal outputs until something is thawed.

    This holds for operations without trainable weights that draw no random
    numbers and update no statistics. BatchNormalization is settled while it is
    frozen, dropout never.

    Args:
        operation: A layer or an operation of a model.
    """
    if not isinstance(operation, keras.layers.Layer):
        return True
    return all(_is_settled_alone(part) for part in compat.sublayers(operation))


def _is_settled_alone(layer):
    if any(variable.trainable for variable in compat.own_variables(layer)):
        return False
    if any(v.path.endswith("seed_generator_state") for v in layer.variables):
        return False
    if isinstance(layer, keras.layers.SpectralNormalization):
        return False  # Its vector moves even while it is frozen.
    if getattr(layer, "stateful", False):
        return False
    # Statistics move in training unless the layer's flag holds them.
    return not (layer.trainable and _moving(layer))


def _moving(layer):
    return [v for v in compat.own_variables(layer) if _never_opens(layer, v)]


def _never_opens(layer, variable):
    # `Normalization` and the like keep constants, which `fit` leaves alone.
    if isinstance(layer, keras.layers.Normalization):
        return False
    trained = {id(v) for v in compat.own_trainable_variables(layer)}
    return id(variable) not in trained


def settled_steps(flat: FlatModel) -> tuple[bool, ...]:
    """Returns for each step whether computing it once is enough for now."""
    settled = set(flat.inputs)
    answers = []
    for step in flat.steps:
        is_one = settled.issuperset(step.inputs) and is_settled(step.operation)
        if is_one:
            settled.update(step.outputs)
        answers.append(is_one)
    return tuple(answers)


def divide(flat: FlatModel, settled: Sequence[bool] | None = None) -> Split:
    """Splits a flattened model at a boundary.

    Args:
        flat: The model.
        settled: What `settled_steps` says. Defaults to the present boundary.
    """
    answers = settled_steps(flat) if settled is None else settled
    pairs = list(zip(flat.steps, answers, strict=True))
    before = [step for step, is_one in pairs if is_one]
    after = [step for step, is_one in pairs if not is_one]
    known = {*flat.inputs, *(ref for step in before for ref in step.outputs)}
    used = [ref for step in after for ref in step.inputs] + [*flat.outputs]
    crossing = tuple(dict.fromkeys(ref for ref in used if ref in known))
    return Split(
        GraphPart(before, flat.inputs, crossing, "prefix"),
        GraphPart(after, crossing, flat.outputs, "suffix"),
    )


def uncut(flat: FlatModel) -> Split:
    """Splits before the first step: the suffix is the whole model."""
    return Split(
        GraphPart((), flat.inputs, flat.inputs, "prefix"),
        GraphPart(flat.steps, flat.inputs, flat.outputs, "suffix"),
    )


def closed_shape(spec: keras.KerasTensor) -> tuple[int, ...]:
    """Returns the shape of a row of a tensor.

    Raises:
        ValueError: If a size is open.
    """
    shape = tuple(spec.shape[1:])
    if None in shape:
        raise ValueError(
            f"The features at the freeze boundary have the shape {shape}, "
            "whose size is open. Build the backbone with an input_shape, such "
            "as (224, 224, 3)."
        )
    return shape


def specs_of(
    split: Split, sources: Sequence[Rows], dtype: str | None = None
) -> dict[str, ArraySpec]:
    """Returns what is stored for a row: the spec of each tensor, by name.

    Args:
        split: A model in two parts.
        sources: The data.
        dtype: Type to store floating-point features in; `None` for their own.

    Raises:
        ValueError: If a size is open, as of images of any size.
    """
    prefix = split.prefix
    if prefix.steps:
        rows = [
            (closed_shape(ref.spec), ref.spec.dtype)
            for ref in prefix.output_refs
        ]
    else:
        given = dict(zip(prefix.input_refs, sources[0].inputs, strict=True))
        rows = [
            # The model would cast other types to it anyway.
            (shape, kind if kind == "uint8" else ref.spec.dtype)
            for ref in prefix.output_refs
            for shape, kind in [given[ref]]
        ]
    if dtype is not None:
        rows = [(s, dtype if kind in _FLOATS else kind) for s, kind in rows]
    names = [f"features_{number}" for number in range(1, len(rows) + 1)]
    if len(rows) == 1:
        names = ["features"]
    return {
        name: ArraySpec(shape, kind)
        for name, (shape, kind) in zip(names, rows, strict=True)
    }
