"""A classifier as explanations see it: logits, and what they depend on."""

import functools
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer import model_info
from keras_transfer.explaining import graph
from keras_transfer.explaining.differentiation import compiled
from keras_transfer.explaining.differentiation import differentiate
from keras_transfer.explaining.differentiation import without_gradients
from keras_transfer.explaining.graph import Place
from keras_transfer.explaining.logits import logits_of
from keras_transfer.explaining.model_outputs import output_of


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
        self.class_names = (model_info.find(model) or {}).get("class_names")
        self._logits = logits_of(self.model, self.output)

    @functools.cached_property
    def places(self) -> dict[str, Place]:
        """The places that lead to the output, by path, in order."""
        return dict(graph.places_of(self.model, [self.output]))

    def logits(
        self, inputs: Sequence[Any], given: Mapping[Place, Any] | None = None
    ) -> Any:
        """Returns the logits as a tensor.

        Args:
            inputs: Values of the model's inputs.
            given: Values that stand in for what the model would compute.
        """
        (features,) = graph.run(self.model, inputs, [self._logits.place], given)
        return self._logits.finish(features)

    def forward(
        self, inputs: Sequence[Any], places: Sequence[Place] = ()
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Returns logits and activations as arrays, of one pass.

        Args:
            inputs: Values of the model's inputs.
            places: Where activations are wanted.
        """
        with without_gradients():
            features, *activations = graph.run(
                self.model, inputs, [self._logits.place, *places]
            )
            logits = self._logits.finish(features)
            return (
                keras.ops.convert_to_numpy(logits),
                [keras.ops.convert_to_numpy(a) for a in activations],
            )

    def gradients(
        self,
        inputs: Sequence[Any],
        score: Callable[[Any], Any],
        given: Mapping[Place, Any],
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
