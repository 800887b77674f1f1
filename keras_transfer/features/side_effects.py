"""What frozen layers do besides turning each image into features."""

import contextlib
import random

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.features.boundary import Split
from keras_transfer.features.computing import effect_of
from keras_transfer.features.rows import Rows
from keras_transfer.features.steps import is_known
from keras_transfer.features.steps import told
from keras_transfer.structure.replay import pack_inputs
from keras_transfer.structure.replay import run

_NUM_ROWS = 3
# Beside other rows the last bits may differ, as those of convolutions do.
_TOLERANCE = {"float16": 1e-2, "bfloat16": 1e-1}
_PLAIN = (bool, bytes, complex, float, int, str)


def find(model: keras.Model, split: Split, rows: Rows) -> str | None:
    """Returns why features would not replace a model's frozen layers.

    Layers of unknown code, and operations such as a mean, are tried on a few
    rows: alone, in another order and beside other rows, in training and
    outside of it, everything twice. The trial leaves the model as it was.

    Args:
        model: The model.
        split: The same in two parts.
        rows: Data, of which the first rows are tried.

    Returns:
        A clause that names the layer, or `None`.
    """
    for ref in split.prefix.output_refs:
        if not ref.spec.shape or ref.spec.shape[0] == 1:
            return "what crosses the freeze boundary has no row for each image"
    for step in split.prefix.steps:
        for part in _parts(step):
            if getattr(part, "activity_regularizer", None) is not None:
                return (
                    f"the frozen layer {step.path!r} has an "
                    "activity_regularizer, whose loss belongs to every step"
                )
            if not isinstance(part, keras.Model) and part.metrics:
                return f"the frozen layer {step.path!r} updates a metric"
    steps = [*split.prefix.steps, *split.suffix.steps]
    unknown = [step for step in steps if not is_known(step)]
    if not unknown:
        return None
    parts = [part for step in unknown for part in _parts(step)]
    with _Restored(parts) as state:
        trial = _Trial(split, unknown, rows)
        return (
            trial.writing()
            or trial.varying()
            or state.change()
            or trial.differing(model)
        )


def _parts(step):
    is_layer = isinstance(step.operation, keras.layers.Layer)
    return compat.sublayers(step.operation) if is_layer else []


class _Trial:
    """Runs of a model's frozen part on a few rows, in several batches.

    Each method returns a clause as `find` does.
    """

    def __init__(self, split, unknown, rows):
        self.split = split
        self.refs = split.prefix.input_refs
        before = set(split.prefix.steps)
        self.unknown = [step for step in unknown if step in before]
        self.rows = [
            np.asarray(ops.convert_to_numpy(values[:_NUM_ROWS]))
            for values in keras.tree.flatten(rows.first())
        ]

    def writing(self):
        """Why a step does more than compute, by its operations."""
        prefix, inputs = self.split.prefix, self._tensors(self.rows)
        if not self.unknown or not effect_of(
            lambda tensors: prefix(tensors, training=True), inputs
        ):
            return None
        # Traced alone, to name it.
        for step in self.unknown:
            effect = effect_of(self._alone(step), inputs)
            if effect:
                return f"the frozen layer {step.path!r} {effect}"
        return None

    def varying(self):
        """Why the features of a row are not a matter of that row alone."""
        if not self.unknown:
            return None
        company = [
            # Beside rows that differ from each in every value.
            np.concatenate([values[::-1], (values == 0).astype(values.dtype)])
            for values in self.rows
        ]
        first = [values[:1] for values in self.rows]
        plain = self._outputs(self.rows, training=False)
        for kind in ("in training", "each time"):
            found = self._outputs(self.rows, training=True)
            for step, values in found.items():
                if getattr(step.operation, "losses", None):
                    return f"the frozen layer {step.path!r} adds a loss"
                if not all(map(np.array_equal, values, plain[step])):
                    return (
                        f"the frozen layer {step.path!r} computes something "
                        f"else {kind}"
                    )
            together = self._outputs(company, training=True)
            alone = self._outputs(first, training=True)
            for step, values in found.items():
                if not all(map(np.ndim, values)):
                    return f"{step.path!r} makes one value of a whole batch"
                turned = [
                    np.concatenate([each[: len(self.rows[0])][::-1], one])
                    for each, one in zip(
                        together[step], alone[step], strict=True
                    )
                ]
                both = [np.concatenate([v, v[:1]]) for v in values]
                if not all(map(_near, turned, both)):
                    return (
                        f"the frozen layer {step.path!r} looks at the whole "
                        "batch: beside other images it computes something else"
                    )
        return None

    def differing(self, model):
        """Why both parts together are not the model, if they are not."""
        inputs = self._tensors(self.rows)
        features = self.split.prefix(inputs, training=False)
        outputs = self.split.suffix(features, training=False)
        whole = model(pack_inputs(model, inputs), training=False)
        pairs = zip(outputs, keras.tree.flatten(whole), strict=True)
        if all(np.array_equal(*map(_numpy, pair)) for pair in pairs):
            return None
        return (
            "the layers behind the freeze boundary answer otherwise when they "
            "are given features: they need a mask, or are random"
        )

    def _tensors(self, rows):
        return [
            ops.cast(values, ref.spec.dtype)
            for ref, values in zip(self.refs, rows, strict=True)
        ]

    def _values(self, rows, training, steps):
        values = dict(zip(self.refs, self._tensors(rows), strict=True))
        run(steps, values, lambda step: told(step.operation, training))
        return values

    def _outputs(self, rows, training):
        """What the unknown layers make of a batch."""
        values = self._values(rows, training, self.split.prefix.steps)
        return {
            step: [_numpy(values[ref]) for ref in step.outputs]
            for step in self.unknown
        }

    def _alone(self, step):
        """A call of one layer, on what comes before it."""
        steps = self.split.prefix.steps
        values = self._values(self.rows, True, steps[: steps.index(step)])
        call = told(step.operation, True)
        return lambda _: run([step], {**values}, lambda _: call)


class _Restored(contextlib.AbstractContextManager):
    """Gives layers and generators of random numbers their state again."""

    def __init__(self, layers):
        self._layers = layers

    def __enter__(self):
        self._random = random.getstate(), np.random.get_state()
        self._attributes = self._plain()
        variables = [v for each in self._layers for v in each.variables]
        self._variables = {id(v): (v, _numpy(v).copy()) for v in variables}
        return self

    def change(self):
        """Which state has changed, as a clause."""
        found = self._plain()
        for key, (layer, name, value) in self._attributes.items():
            if key in found and found[key][2] != value:
                return f"the layer {layer.name!r} changes its {name!r}"
        for variable, value in self._variables.values():
            if not np.array_equal(_numpy(variable), value, equal_nan=True):
                return f"a call changes the variable {variable.path!r}"
        return None

    def __exit__(self, *error):
        python, numpy = self._random
        random.setstate(python)
        np.random.set_state(numpy)
        for layer, name, value in self._attributes.values():
            if getattr(layer, name) != value:
                setattr(layer, name, value)
        for variable, value in self._variables.values():
            variable.assign(value)

    def _plain(self):
        return {
            (id(layer), name): (layer, name, value)
            for layer in self._layers
            for name, value in vars(layer).items()
            if isinstance(value, _PLAIN)
        }


def _near(one, other):
    if one.shape != other.shape:
        return False
    tolerance = _TOLERANCE.get(str(one.dtype), 1e-4)
    one, other = one.astype("float64"), other.astype("float64")
    size = np.max(np.abs(other), initial=0.0)
    return np.allclose(one, other, rtol=tolerance, atol=tolerance * size)


def _numpy(tensor):
    return ops.convert_to_numpy(tensor)
