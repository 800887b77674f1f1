"""The freeze boundary: where what is computed once ends."""

import dataclasses
import math
from collections.abc import Sequence

import keras

from keras_transfer.features.determinism import is_settled
from keras_transfer.features.steps import GraphPart
from keras_transfer.features.steps import flatten
from keras_transfer.structure.graph import FlatModel

_ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float64": 8, "uint8": 1}


@dataclasses.dataclass(frozen=True)
class Split:
    """A model in two parts that share its weights.

    `suffix(prefix(inputs))` is what the model computes. Tensors go in and out
    as lists: where a skip connection crosses the boundary there are several.

    Args:
        prefix: Everything up to the boundary: frozen, without randomness.
        suffix: What trains, with all that depends on it.
    """

    prefix: GraphPart
    suffix: GraphPart

    @property
    def computes_something(self) -> bool:
        """Whether the prefix holds weights, so that it is worth a cache."""
        return bool(self.prefix.weights)

    @property
    def row_bytes(self) -> int:
        """Size of what crosses for one image, in bytes.

        Raises:
            ValueError: If a size is open, as of images of any size.
        """
        return sum(
            math.prod(closed_shape(ref.spec))
            * _ITEM_BYTES.get(ref.spec.dtype, 4)
            for ref in self.prefix.output_refs
        )


def split_at_boundary(model: keras.Model) -> Split:
    """Cuts a model where, by its flags, computing once is enough.

    The prefix is all that the inputs lead to through frozen layers alone,
    before any that draws random numbers in training. The cut may go through a
    nested backbone and through a head, and several tensors may cross it.

    Args:
        model: A model with a static graph; layers are as trainable as they
            are now.

    Raises:
        ValueError: If the model is subclassed.

    Example:
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


def settled_steps(flat: FlatModel) -> tuple[bool, ...]:
    """Tells of each step whether, by the flags as they are, once is enough."""
    settled = set(flat.inputs)
    answers = []
    for step in flat.steps:
        is_one = settled.issuperset(step.inputs) and is_settled(step.operation)
        if is_one:
            settled.update(step.outputs)
        answers.append(is_one)
    return tuple(answers)


def divide(flat: FlatModel, settled: Sequence[bool] | None = None) -> Split:
    """Cuts a flattened model at a boundary.

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
    """Cuts before the first step: the suffix is the whole model."""
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
