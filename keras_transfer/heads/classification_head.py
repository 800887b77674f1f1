"""The base of all heads: one convention for outputs, saving included."""

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.heads.arguments import check_activation
from keras_transfer.heads.arguments import check_choice
from keras_transfer.heads.arguments import check_dropout
from keras_transfer.heads.arguments import check_num_classes
from keras_transfer.heads.cumulative_link import CumulativeLink
from keras_transfer.structure.task import KINDS


class ClassificationHead(keras.layers.Layer):
    """Holds what every head shares; subclass it for a new way to pool.

    A subclass creates its stock layers, and names in `steps` those that the
    features pass through one after the other; the last is `predictions`.

    The convention for outputs: `num_classes=2` or more gives one output for
    each class, `num_classes=1` a single unit for two classes. The other tasks
    have one output for each label, number or grade.

    Args:
        num_classes: Number of outputs, at least 1.
        dropout: Fraction of features dropped in training, in `[0, 1)`.
            Defaults to 0.
        activation: Name of the activation of the outputs. `"auto"` is softmax
            for two or more classes, sigmoid for a single unit; `None` or
            `"linear"` gives logits. Defaults to `"auto"`.
        name: Name of the layer, first part of its weights' paths. Defaults to
            `"head"`, the same in every process; a model with two heads must
            name them, or Keras refuses the duplicate.
        task: What the outputs stand for, one of the kinds of `Task`. Defaults
            to `"classification"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        TypeError: For an argument of the wrong type.
        ValueError: For an argument out of range.
    """

    def __init__(
        self,
        num_classes: int,
        dropout: float = 0.0,
        activation: str | None = "auto",
        name: str = "head",
        task: str = "classification",
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_dropout(dropout)
        check_activation("activation", activation, extra=("auto", None))
        check_task(task, num_classes, activation)
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.dropout = dropout
        self.activation = activation
        self.task = task
        options = {"dtype": self._output_dtype(), "name": "predictions"}
        if task == "ordinal":
            self.predictions = CumulativeLink(int(num_classes), **options)
        else:
            self.predictions = keras.layers.Dense(
                int(num_classes), self.output_activation, **options
            )

    @property
    def output_activation(self) -> str:
        """Name of the activation of the outputs; `"linear"` for none.

        `"ordinal"` are probabilities of grades that add up to 1.
        """
        if self.task == "ordinal":
            return "ordinal"
        if self.activation != "auto":
            return self.activation or "linear"
        if self.task == "classification":
            return "sigmoid" if self.num_classes == 1 else "softmax"
        return {"multi_label": "sigmoid", "regression": "linear"}[self.task]

    @property
    def steps(self) -> list[keras.layers.Layer]:
        """The layers that the features pass through, in order."""
        raise NotImplementedError(
            f"{type(self).__name__} must define the property `steps`, the "
            "list of its layers from the features to `predictions`."
        )

    def build(self, input_shape):
        shape = input_shape
        for layer in self.steps:
            if not layer.built:
                layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, inputs, training=None):
        outputs = inputs
        for layer in self.steps:
            # Keras hands `training` down to the layers called in here.
            outputs = layer(outputs)
        return outputs

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def compute_output_spec(self, inputs, training=None):
        # Keras would announce the dtype of the head, which under mixed
        # precision is not that of its last layer.
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape),
            dtype=self.predictions.compute_dtype,
        )

    def get_build_config(self):
        config = super().get_build_config()
        quantized = policies_of(self)
        return {**config, "quantized": quantized} if quantized else config

    def build_from_config(self, config):
        super().build_from_config(config)
        quantize_as(self, config.get("quantized", {}))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": int(self.num_classes),
            "dropout": float(self.dropout),
            "activation": self.activation,
            "task": self.task,
        }

    @classmethod
    def from_config(cls, config):
        # A file written by a later version may hold arguments that this one
        # lacks; the file still holds weights worth loading.
        known = {
            name
            for ancestor in cls.__mro__[:-1]
            for name in inspect.signature(ancestor.__init__).parameters
        }
        unknown = sorted(set(config) - known)
        if unknown:
            warnings.warn(
                f"Ignored {unknown} in the configuration of {cls.__name__} "
                f"{config.get('name')!r}: this version of keras_transfer does "
                "not know them. Upgrade keras_transfer if outputs differ.",
                stacklevel=2,
            )
        return super().from_config(
            {key: value for key, value in config.items() if key in known}
        )

    def _output_dtype(self):
        # Softmax over many classes loses its small probabilities in 16 bits.
        if self.compute_dtype in ("float16", "bfloat16"):
            return "float32"
        return self.dtype_policy


def check_task(task: object, num_classes: int, activation: str | None) -> None:
    """Raises for outputs that cannot do what they are for.

    Args:
        task: What the caller gave.
        num_classes: Number of outputs.
        activation: Name of their activation, `"auto"`, or `None`.

    Raises:
        TypeError: For a task that is no string.
        ValueError: For an unknown task, or an activation or a number of
            outputs that does not fit it.
    """
    check_choice("task", task, KINDS)
    competes = activation in ("softmax", "log_softmax")
    if competes and task in ("multi_label", "regression"):
        fits = "sigmoid" if task == "multi_label" else "none"
        raise ValueError(
            f"activation={activation!r} makes the outputs add up to 1, but "
            f"those of task={task!r} are independent. Use activation='auto' "
            f"({fits})."
        )
    if task == "multi_label" and activation not in (
        *("auto", "sigmoid", "linear"),
        None,
    ):
        raise ValueError(
            "task='multi_label' needs activation='auto' (sigmoid) or None "
            f"(logits). Received: activation={activation!r}."
        )
    if task == "ordinal" and (activation != "auto" or num_classes < 2):
        raise ValueError(
            "task='ordinal' computes probabilities of 2 or more grades by "
            "itself: leave activation='auto'. Received: "
            f"activation={activation!r}, num_classes={num_classes}."
        )
    if num_classes == 1 and competes:
        raise ValueError(
            f"activation={activation!r} over a single unit is constant. "
            "Use activation='auto' (sigmoid), None (a logit), or "
            "num_classes=2. Received: num_classes=1."
        )


# Keras quantizes layers wherever they are, but writes down the data types of
# those alone that a model's configuration lists.
def policies_of(layer: keras.layers.Layer) -> dict[str, Any]:
    """Returns the policies of quantized layers inside a layer, by their names.

    Args:
        layer: A head, whose layers have names of their own.
    """
    return {
        inner.name: keras.dtype_policies.serialize(inner.dtype_policy)
        for inner in compat.sublayers(layer)
        if inner.dtype_policy.quantization_mode is not None
    }


def quantize_as(layer: keras.layers.Layer, policies: Mapping[str, Any]) -> None:
    """Quantizes layers inside a built layer, so that stored weights fit them.

    Args:
        layer: A head with weights, whatever they are.
        policies: What `policies_of` returned.
    """
    for inner in compat.sublayers(layer):
        if inner.name in policies:
            inner.dtype_policy = keras.dtype_policies.deserialize(
                policies[inner.name]
            )
