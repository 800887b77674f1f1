"""The `ModelInfo` layer: what a model file says about the model."""

import dataclasses
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.registry import needed_classes
from keras_transfer.structure import adapters
from keras_transfer.structure import freeze_state

# A plain attribute: it does not survive saving. `build_model` copies the
# record into the `ModelInfo` layer, which does.
_ATTRIBUTE = "keras_transfer_provenance"
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
        object.__setattr__(self, "_of_file", (None, None))

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        metadata = self.metadata
        model = compat.model_being_saved()
        if model is not None:
            metadata = {**metadata, "freeze": freeze_state.of(model)}
            recorded = adapters.record(model)
            if recorded:
                metadata["lora"] = recorded
        return {**super().get_config(), "metadata": metadata}

    def save_own_variables(self, store):
        model = compat.model_whose_weights_are_saved()
        if model is not None:
            adapters.save(model, store)

    def load_own_variables(self, store):
        # Keras stores the flags of layers; this brings back those of weights.
        # Once only: the weights of another file say nothing about flags.
        state, recorded = self._of_file
        object.__setattr__(self, "_of_file", (None, None))
        model = compat.model_being_loaded()
        if model is not None:
            is_adapted_now = adapters.load(model, store, recorded)
            freeze_state.restore(model, state, is_adapted_now)

    @classmethod
    def from_config(cls, config):
        # A later version may add arguments; all that it knows of the model is
        # in the metadata.
        metadata = config.get("metadata", {})
        # What follows in the file is read after this layer.
        needed_classes.explain_when_missing(metadata)
        rest = {k: metadata[k] for k in metadata.keys() - {"freeze", "lora"}}
        if isinstance(rest.get("backbone"), dict):
            rest["backbone"] = renewed(rest["backbone"])
        is_open = bool(config.get("trainable", True))
        layer = cls(rest, name=config["name"], trainable=is_open)
        of_file = metadata.get("freeze"), metadata.get("lora")
        object.__setattr__(layer, "_of_file", of_file)
        return layer


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


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a backbone comes from.

    Args:
        name: Full name in the registry.
        options: The builder's options.
        weights: `"imagenet"` or another tag, a file name, or `None`.
        sha256: Digest of the weights file, or `None`.
        cut_at: Last layer when the backbone was truncated.
        stages: `(name, last layer)` pairs.
        preprocessing: What the registry declares for it.
        distribution: The distribution that provides the plugin.
        version: Its version.
        license: License note of the plugin.
    """

    name: str
    options: dict[str, Any]
    weights: str | None
    sha256: str | None
    cut_at: str | None
    stages: tuple[tuple[str, str], ...]
    preprocessing: Any
    distribution: str = ""
    version: str = ""
    license: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns what a saved file keeps, as plain JSON values."""
        record = dataclasses.asdict(
            dataclasses.replace(self, preprocessing=None)
        )
        del record["preprocessing"]  # It is in the graph as layers.
        record["stages"] = [list(stage) for stage in self.stages]
        return record


def renewed(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record from a file under the names that it has today.

    Args:
        record: What `Provenance.to_json` returned, of version 0.1 too.

    Example:
    >>> renewed({"name": "my/net", "licence": "MIT"})
    {'name': 'my/net', 'license': 'MIT'}
    """
    former = {"licence": "license"}
    return {former.get(name, name): value for name, value in record.items()}


def attach(model: keras.Model, provenance: Provenance) -> None:
    """Attaches the record to a model."""
    setattr(model, _ATTRIBUTE, provenance)


def provenance_of(model: keras.Model) -> Provenance | None:
    """Returns the record of a model, or `None` when it has none."""
    return getattr(model, _ATTRIBUTE, None)
