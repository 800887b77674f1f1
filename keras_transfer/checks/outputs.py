"""What the outputs of a model are: probabilities, logits, or something else.

It is read from the graph. Where an output is computed from an activation by
operations without weights (an average, a reshape, a slice, a cast), these are
made once on a few numbers: they say whether probabilities are still such.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import activations
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import flatten
from keras_transfer.structure.graph import has_graph
from keras_transfer.structure.output_records import output_names
from keras_transfer.structure.replay import leading
from keras_transfer.structure.replay import run

UNKNOWN = "unknown"
# What becomes of probabilities in 16 bits, and of a clip against log(0).
_TOLERANCE = 0.01


@dataclasses.dataclass(frozen=True)
class Output:
    """One output tensor of a model.

    Args:
        name: Name by which Keras takes its loss; `None` for the only one.
        kind: Name of the activation behind it: `"softmax"` and `"ordinal"`
            are probabilities along the last axis, `"sigmoid"` independent
            ones, `"linear"` none; `"unknown"` where the graph does not tell.
        shape: Its shape with the batch axis.
        task: The task of the head that makes it, or `None`.
    """

    name: str | None
    kind: str
    shape: tuple[int | None, ...]
    task: str | None = None

    @property
    def units(self) -> int | None:
        """Length of the last axis."""
        return self.shape[-1] if len(self.shape) > 1 else 1


def outputs_of(model: keras.Model) -> list[Output]:
    """Returns what is known of each output of a model, in order.

    Args:
        model: A model with a graph.

    Example:
    >>> x = keras.Input((4,))
    >>> y = keras.ops.softmax(keras.layers.Dense(3)(x) / 2.0)
    >>> [output.kind for output in outputs_of(keras.Model(x, y[:, None]))]
    ['softmax']
    """
    flat = flatten(model)
    names = output_names(model)
    found = []
    for name, tensor, ref in zip(
        names, model.outputs, flat.outputs, strict=True
    ):
        kind, task = _kind(flat, ref)
        found.append(Output(name, kind, tuple(tensor.shape), task))
    return found


def is_readable(model: keras.Model) -> bool:
    """Whether a model has a graph that tells what its outputs are.

    Args:
        model: Any model.
    """
    if type(model) is keras.Sequential and not has_graph(model):
        first = model.layers[0] if model.layers else None
        if isinstance(first, keras.Model) and is_readable(first):
            model.build(first.input_shape)  # As its first call would.
    return has_graph(model)


def output_activation(model: keras.Model) -> str:
    """Returns the kind of a model's only output, as `Output` has it.

    Args:
        model: Any model; one without a graph or with several outputs has none
            that is known, unless it says `output_activation`.
    """
    declared = getattr(model, "output_activation", None)
    if isinstance(declared, str):
        return declared
    if not is_readable(model) or len(model.outputs) != 1:
        return UNKNOWN
    return outputs_of(model)[0].kind


def _kind(flat, output):
    """The kind of an output, and the task of the head that it comes from."""
    makers = {ref: step for step in flat.steps for ref in step.outputs}
    ends, pending, seen = {}, [output], set()
    while pending:
        ref = pending.pop()
        if ref in seen:
            continue
        seen.add(ref)
        step = makers.get(ref)
        if step is None:
            return UNKNOWN, None  # An input of the model.
        kind = activations.kind_of(step.operation, UNKNOWN)
        if kind == activations.PASSED_ON:
            pending += step.inputs
            if not step.inputs:
                return UNKNOWN, None
        else:
            ends[ref] = (kind, step.operation)
    kinds = {kind for kind, _ in ends.values()}
    if len(kinds) != 1 or UNKNOWN in kinds:
        return UNKNOWN, None
    (kind,) = kinds
    if not output.spec.dtype.startswith(("float", "bfloat")):
        return UNKNOWN, None  # Such as the number of a class.
    if set(ends) != {output} or _axis(ends[output][1], output) is not None:
        kind = _after(flat, output, ends, kind)
    if len(ends) > 1:
        return kind, None
    ((_, operation),) = ends.values()
    return kind, getattr(operation, "task", None)


def _axis(operation, ref):
    """The axis of a softmax that is not over the last one."""
    axis = getattr(operation, "axis", -1)
    is_last = axis in (-1, len(ref.spec.shape) - 1)
    return None if is_last else axis


def _after(flat, output, ends, kind):
    """The kind that is left after operations without weights."""
    steps = leading(flat.steps, [output], ends)

    def made_from(numbers):
        values = {
            ref: keras.ops.convert_to_tensor(value, dtype=ref.spec.dtype)
            for ref, value in numbers.items()
        }
        run(steps, values, _resting)
        made = keras.ops.cast(values[output], "float32")
        made = keras.ops.convert_to_numpy(made)
        return made if made.ndim > 1 else made[:, None]

    rng = np.random.default_rng(0)
    shapes = {ref: _concrete(ref) for ref in ends}
    if kind == "sigmoid":
        return _of_sigmoids(made_from, shapes, rng)
    if kind in ("softmax", "ordinal"):
        drawn = {
            ref: _distribution(rng, shapes[ref], operation)
            for ref, (_, operation) in ends.items()
        }
        if any(value is None for value in drawn.values()):
            return UNKNOWN
        return _of_distributions(made_from(drawn), kind)
    drawn = [
        {ref: rng.normal(size=shape) for ref, shape in shapes.items()}
        for _ in range(2)
    ]
    if kind == "linear":
        return _of_numbers(made_from, *drawn)
    held = np.concatenate([value.ravel() for value in drawn[0].values()])
    is_moved = np.isin(made_from(drawn[0]), held.astype("float32")).all()
    return kind if is_moved else UNKNOWN


def _of_sigmoids(made_from, shapes, rng):
    def constant(value):
        return {ref: np.full(shape, value) for ref, shape in shapes.items()}

    low, high = made_from(constant(0.0)), made_from(constant(1.0))
    some = made_from({ref: rng.random(shape) for ref, shape in shapes.items()})
    spans = np.isin(low, (0, 1)).all() and np.array_equal(high, 1 - low)
    within = (some > -_TOLERANCE).all() and (some < 1 + _TOLERANCE).all()
    return "sigmoid" if spans and within else UNKNOWN


def _of_distributions(values, kind):
    if not (values.min() >= 0 and values.max() <= 1 + _TOLERANCE):
        return UNKNOWN
    if values.shape[-1] > 1:
        is_one = np.abs(values.sum(-1) - 1).max() < _TOLERANCE
        return kind if is_one else UNKNOWN
    # The probability of one class among others.
    return "sigmoid" if np.ptp(values) > _TOLERANCE else UNKNOWN


def _of_numbers(made_from, first, second):
    nothing = made_from({ref: value * 0 for ref, value in first.items()})
    both = made_from({ref: first[ref] + second[ref] for ref in first})
    one, two = made_from(first), made_from(second)
    if np.allclose(one + two, both + nothing, atol=_TOLERANCE):
        return "linear" if np.ptp(one - nothing) > _TOLERANCE else UNKNOWN
    if len(first) == 1:
        (numbers,) = first.values()
        return activations.resembled(one, numbers)
    return UNKNOWN


def _distribution(rng, shape, operation):
    axis = getattr(operation, "axis", -1)
    if not isinstance(axis, int) or shape[axis] == 1:
        return None
    drawn = rng.exponential(size=shape)
    return drawn / drawn.sum(axis, keepdims=True)


def _concrete(ref: Ref) -> tuple[int, ...]:
    # Axes of unknown length: two images of a few places.
    first, *rest = ref.spec.shape
    return (first or 2, *(length or 4 for length in rest))


def _resting(step) -> Any:
    def call(*args, **kwargs):
        if "training" in kwargs:
            kwargs["training"] = False
        return step.operation(*args, **kwargs)

    return call
