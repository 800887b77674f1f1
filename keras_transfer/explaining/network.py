"""A classifier as explanations see it: logits, and what they depend on."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.explaining.differentiation import compiled
from keras_transfer.explaining.differentiation import differentiate
from keras_transfer.explaining.differentiation import without_gradients
from keras_transfer.explaining.graph import compute
from keras_transfer.explaining.graph import output_of
from keras_transfer.extraction.wanted import find_wanted
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import flatten
from keras_transfer.structure.graph import origin
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.replay import leading
from keras_transfer.structure.task import Task

_PROBABILITIES = ("softmax", "sigmoid", "log_softmax")
# Calls of `keras.ops`; their classes are not public, but their names are.
_OPERATIONS = ("Softmax", "Sigmoid", "LogSoftmax")


class Network:
    """Computes the logits of a model from its inputs or from inside.

    The model itself stays as it is: no layer is edited, no node is added.

    Args:
        model: A model with a static graph.
        output: Name or number of the output; needed where there are several.

    Raises:
        ValueError: If the model has several outputs and none is chosen.
    """

    def __init__(self, model: keras.Model, output: str | int | None = None):
        self.model = model
        self.output = output_of(self.model, output)
        self.kind, self.class_names = _meaning(model, self.output)
        self._flat = flatten(model)
        end = origin(Ref((), self.output))
        self._features, self._finish = _logits_of(self._flat, end)
        way = leading(self._flat.steps, [end])
        self._on_the_way = {ref for step in way for ref in step.outputs}

    def place(self, at: str) -> Ref:
        """Returns the place of what a stage or a layer returns.

        Args:
            at: A stage or the path of a layer, as `build_extractor` takes it.

        Raises:
            ValueError: If nothing, or more than one activation, is called
                that, or the output does not depend on it.
            TypeError: If `at` is no string.
        """
        if not isinstance(at, str):
            raise TypeError(
                "`at` must be the name of a stage or the path of a layer. "
                f"Received: {at!r} of type {type(at).__name__}."
            )
        found = find_wanted(self.model, at)
        if len(found) > 1:
            raise ValueError(
                f"`at` must name one activation. {at!r} matches "
                f"{len(found)}: {list(found)}."
            )
        (wanted,) = found.values()
        if not self._leads_to_output(wanted.call):
            raise ValueError(
                f"The explained output of {self.model.name!r} does not depend "
                f"on {at!r}. Name a layer on the way to it."
            )
        return wanted.ref

    @property
    def places(self) -> list[Ref]:
        """What the calls on the way to the output return, in order."""
        calls = [call for call in self._flat.calls if call.node is not None]
        return [c.outputs[0] for c in calls if self._leads_to_output(c)]

    def values(self, inputs: Sequence[Any], places: Sequence[Ref]) -> list[Any]:
        """Returns activations as tensors.

        Args:
            inputs: Values of the model's inputs.
            places: Where activations are wanted.
        """
        return compute(self._flat, inputs, places)

    def logits(
        self, inputs: Sequence[Any], given: Mapping[Ref, Any] | None = None
    ) -> Any:
        """Returns the logits as a tensor.

        Args:
            inputs: Values of the model's inputs.
            given: Values that stand in for what the model would compute.
        """
        (features,) = compute(self._flat, inputs, [self._features], given)
        return self._finish(features)

    def forward(
        self, inputs: Sequence[Any], places: Sequence[Ref] = ()
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Returns logits and activations as arrays, of one pass.

        Args:
            inputs: Values of the model's inputs.
            places: Where activations are wanted.
        """
        with without_gradients():
            features, *activations = self.values(
                inputs, [self._features, *places]
            )
            logits = self._finish(features)
            return (
                keras.ops.convert_to_numpy(logits),
                [keras.ops.convert_to_numpy(a) for a in activations],
            )

    def gradients(
        self,
        inputs: Sequence[Any],
        score: Callable[[Any], Any],
        given: Mapping[Ref, Any],
    ) -> list[np.ndarray]:
        """Returns the gradients of the scores with respect to activations.

        Args:
            inputs: Values of the model's inputs.
            score: Function from logits to one score for each image.
            given: The activations by place.
        """

        def scored(activations):
            values = dict(zip(given, activations, strict=True))
            return keras.ops.sum(score(self.logits(inputs, values))), None

        _, gradients = differentiate(scored, list(given.values()))
        return [keras.ops.convert_to_numpy(g) for g in gradients]

    def input_gradients(
        self, score: Callable[[Any], Any]
    ) -> Callable[[Sequence[Any]], tuple[np.ndarray, list[np.ndarray]]]:
        """Returns a function from inputs to scores and their gradients.

        It is made to be called many times.

        Args:
            score: Function from logits to one score for each image.
        """

        def scored(inputs):
            scores = score(self.logits(inputs))
            return keras.ops.sum(scores), scores

        step = compiled(lambda inputs: differentiate(scored, inputs))

        def measure(inputs):
            scores, gradients = step(list(inputs))
            return (
                keras.ops.convert_to_numpy(scores),
                [keras.ops.convert_to_numpy(g) for g in gradients],
            )

        return measure

    def _leads_to_output(self, call):
        return any(origin(ref) in self._on_the_way for ref in call.outputs)


def _meaning(model, output):
    """The kind of an output's task, and the names of its numbers."""
    places = [tensor is output for tensor in model.outputs]
    record = output_records(model)[places.index(True)]
    task = record.task or Task()
    return task.kind, task.targets.names if task.targets else record.class_names


def _logits_of(flat, output):
    """Where the logits behind an output are, and what is left to do on them.

    A softmax or sigmoid at the very end is left out: a layer or operation of
    its own, or the activation of the last layer, which is then computed by a
    twin of that layer with the same weights. Other outputs stay as they are.
    """
    for step in flat.steps:
        if output not in step.outputs:
            continue
        if _is_activation(step.operation):
            return step.inputs[0], _as_floats
        if _activation(step.operation) in _PROBABILITIES:
            features = step.inputs[0]
            twin = _linear_twin(step.operation, features.spec.shape)
            return features, twin
    return output, _as_floats


def _is_activation(operation):
    if isinstance(operation, keras.layers.Softmax):
        return True
    if isinstance(operation, keras.layers.Activation):
        return _activation(operation) in _PROBABILITIES
    is_layer = isinstance(operation, keras.layers.Layer)
    return not is_layer and type(operation).__name__ in _OPERATIONS


def _activation(operation):
    if hasattr(operation, "output_activation"):
        return operation.output_activation
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)


def _linear_twin(layer, input_shape):
    """A function that does what a layer does before its activation."""
    twin = type(layer).from_config({**layer.get_config(), "activation": None})
    twin.build(input_shape)

    def finish(features):
        pairs = zip(twin.weights, layer.weights, strict=True)
        # The values are read here, where an outer scope may replace them.
        values = [(own, weight.value) for own, weight in pairs]
        with keras.StatelessScope(values):
            return _as_floats(twin(features, training=False))

    return finish


def _as_floats(logits):
    # Differences of logits vanish in the 16 bits of mixed precision.
    return keras.ops.cast(logits, "float32")
