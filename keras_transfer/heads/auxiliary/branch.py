"""The layer that holds the auxiliary heads of a model beside its output."""

from collections.abc import Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="AuxiliaryBranch"
)
class AuxiliaryBranch(keras.layers.Layer):
    """Returns the main output and holds heads for what else comes in.

    As the last layer of an `AuxiliaryModel` it puts the heads, their weights
    and the layers that they read into the model's graph, hence into its file.
    Called, it never computes them: the model asks for them in training alone,
    by `classify`, so that at inference they are in no graph.

    Args:
        heads: Maps the name of a tapped layer to the head that reads it.
        weight: What the loss of each head counts beside the main loss.
            Defaults to 0.3.
        name: Name of the layer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: a list, the main output and one feature map for each head.
    Output shape: that of the main output.
    """

    def __init__(
        self,
        heads: Mapping[str, keras.layers.Layer],
        weight: float = 0.3,
        name: str = "auxiliary_heads",
        **kwargs,
    ):
        # The main output passes unrounded, whatever the precision policy.
        kwargs["autocast"] = False
        super().__init__(name=name, **kwargs)
        self.heads = heads
        self.weight = weight

    @property
    def output_activation(self) -> str | None:
        """Name of the activation of the outputs, the heads' and the model's."""
        head = next(iter(self.heads.values()))
        return getattr(head, "output_activation", None)

    def build(self, input_shape):
        for (tap, head), shape in zip(
            self.heads.items(), input_shape[1:], strict=True
        ):
            # Heads may bear one name; the paths of their weights must differ.
            with keras.name_scope(tap):
                if not head.built:
                    head.build(shape)

    def call(self, inputs):
        return inputs[0]

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)

    def classify(self, features: list[Any]) -> list[Any]:
        """Returns the outputs of the heads in training.

        Args:
            features: One feature map for each head, in their order.
        """
        return [
            head(maps, training=True)
            for head, maps in zip(self.heads.values(), features, strict=True)
        ]

    def get_config(self):
        config = super().get_config()
        config.pop("autocast", None)
        return {
            **config,
            "heads": {tap: _as_data(head) for tap, head in self.heads.items()},
            "weight": float(self.weight),
        }

    @classmethod
    def from_config(cls, config):
        heads = {
            tap: keras.saving.deserialize_keras_object(head)
            for tap, head in config["heads"].items()
        }
        return cls(**{**config, "heads": heads})


def _as_data(head):
    data = keras.saving.serialize_keras_object(head)
    # Otherwise a head read from a file would be built before it has its place
    # in here, and the paths of its weights would differ from those saved.
    data.pop("build_config", None)
    return data
