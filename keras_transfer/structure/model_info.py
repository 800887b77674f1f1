"""The `ModelInfo` layer: what a model file says about the model."""

import dataclasses
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.registry import needed_classes
from keras_transfer.structure import freeze_state
from keras_transfer.structure import provenance
from keras_transfer.structure.text_table import text_table

SCHEMA = 1


@keras.saving.register_keras_serializable("keras_transfer", name="ModelInfo")
class ModelInfo(keras.layers.Layer):
    """Returns its input and carries metadata through every way of saving.

    `build_model` puts it right after the input, where it survives nesting,
    re-wrapping and cutting as well. Read it with `info(model)`.

    Args:
        metadata: Plain JSON values.

    Input shape: any.
    Output shape: the same.

    Example:
    >>> layer = ModelInfo({"class_names": ["ant", "bee"]})
    >>> layer.get_config()["metadata"]["class_names"]
    ['ant', 'bee']
    """

    def __init__(self, metadata, name="model_info", **kwargs):
        # Pixels must arrive at the preprocessing unrounded, whatever the
        # precision of the network.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        # Past Keras's attribute tracking, which would wrap the dictionary and
        # its lists in classes of its own.
        object.__setattr__(self, "metadata", metadata)
        object.__setattr__(self, "_freeze_state", None)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        metadata = self.metadata
        model = compat.model_being_saved()
        if model is not None:
            metadata = {**metadata, "freeze": freeze_state.of(model)}
        return {**super().get_config(), "metadata": metadata}

    def load_own_variables(self, store):
        # Keras stores the flags of layers; this brings back those of weights.
        # Once only: the weights of another file say nothing about flags.
        state, model = self._freeze_state, compat.model_being_loaded()
        object.__setattr__(self, "_freeze_state", None)
        if model is not None:
            freeze_state.restore(model, state)

    @classmethod
    def from_config(cls, config):
        # A later version may add arguments; all that it knows of the model is
        # in the metadata.
        metadata = config.get("metadata", {})
        # What follows in the file is read after this layer.
        needed_classes.explain_when_missing(metadata)
        rest = {k: v for k, v in metadata.items() if k != "freeze"}
        if isinstance(rest.get("backbone"), dict):
            rest["backbone"] = provenance.renewed(rest["backbone"])
        is_open = bool(config.get("trainable", True))
        layer = cls(rest, name=config["name"], trainable=is_open)
        object.__setattr__(layer, "_freeze_state", metadata.get("freeze"))
        return layer


@dataclasses.dataclass(frozen=True)
class Info:
    """What is known of a model.

    Args:
        class_names: Names of the classes in the order of the outputs, or
            `None`.
        input_shape: `(height, width, channels)`; `None` where a size is open.
        input_range: Smallest and largest pixel value that the model expects,
            or `None` where nobody recorded it.
        backbone: Name, weights, options, stages and origin of the backbone.
        head: Class name of the head and its arguments.
        trainable_parameters: Number of parameters that are open now.
        parameters: Number of all parameters.
        versions: Versions of keras_transfer and Keras that built the model.
        schedule: The freeze schedule it was trained with last, as data, or
            `None`; `kt.schedules.of(model)` returns it as a callback.
        history: Metrics per epoch, where training recorded them.
    """

    class_names: list[str] | None
    input_shape: tuple[int | None, ...]
    input_range: tuple[float, float] | None
    backbone: dict[str, Any]
    head: dict[str, Any]
    trainable_parameters: int
    parameters: int
    versions: dict[str, str]
    schedule: dict[str, Any] | None
    history: dict[str, list[float]]

    def __str__(self):
        # As strings: rich shows a missing value as nothing.
        rows = dataclasses.asdict(self).items()
        return text_table((key, str(value)) for key, value in rows)


def info(model: keras.Model) -> Info:
    """Returns what is known of a model: classes, input, backbone, history.

    Args:
        model: Any Keras model; without a `ModelInfo` layer only its shape and
            parameters are known.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> kt.info(model).parameters
    10
    """
    metadata = find(model) or {}
    pixels = metadata.get("input", {}).get("range")
    return Info(
        class_names=metadata.get("class_names"),
        input_shape=tuple(model.input_shape[1:]),
        input_range=tuple(pixels) if pixels else None,
        backbone=metadata.get("backbone") or {},
        head=metadata.get("head") or {},
        trainable_parameters=count(model.trainable_weights),
        parameters=count(model.weights),
        versions=metadata.get("versions") or {},
        schedule=metadata.get("schedule"),
        history=metadata.get("history") or {},
    )


def find(model: keras.Model) -> dict[str, Any] | None:
    """Returns the metadata of a model's `ModelInfo` layer, or `None`.

    The dictionary is the layer's own: what is changed in it is saved.
    """
    for layer in model.layers:
        if isinstance(layer, ModelInfo):
            return layer.metadata
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return find(nested[0]) if len(nested) == 1 else None


def count(weights) -> int:
    """Returns the number of parameters in a list of weights."""
    total = 0
    for weight in weights:
        size = 1
        for length in weight.shape:
            size *= length
        total += size
    return total
