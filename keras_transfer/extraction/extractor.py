"""The extractor: a model that returns activations by name."""

import dataclasses

import keras

from keras_transfer import compat


@dataclasses.dataclass(frozen=True)
class Extraction:
    """How an extractor was made.

    Args:
        mode: `"graph"`, `"trace"` or `"record"`; see `build_extractor`.
        paths: The full path of each activation in the model, by name.
        detached: Whether the extractor has variables of its own.
    """

    mode: str
    paths: dict[str, str]
    detached: bool = False


# A class of its own, against the rule that our models are plain ones: a plain
# Functional model hands `training` down whatever was passed when it was built,
# so that `extractor(x, training=True)` would move the statistics of the
# original's BatchNormalization.
@keras.saving.register_keras_serializable("keras_transfer", name="Extractor")
class Extractor(keras.Model):
    """A model that returns activations of another, by name.

    `build_extractor` makes it. It runs in inference mode whatever it is told,
    since its variables are those of the original; one that was built with
    `detach=True` has its own and trains like any model.
    """

    extraction: Extraction | None = None
    follows_graph = True

    @property
    def mode(self) -> str:
        """How it was made: `"graph"` or `"trace"`."""
        return self.extraction.mode

    @property
    def paths(self) -> dict[str, str]:
        """The full path of each activation in the model, by name."""
        return dict(self.extraction.paths)

    def call(self, inputs, training=None, mask=None):
        if self.extraction.detached:
            return super().call(inputs, training=training, mask=mask)
        with compat.training_restored():
            return super().call(inputs, training=False, mask=mask)

    def get_config(self):
        extraction = dataclasses.asdict(self.extraction)
        return {**super().get_config(), "extraction": extraction}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        extraction = Extraction(**config.pop("extraction"))
        extractor = super().from_config(config, custom_objects=custom_objects)
        extractor.extraction = extraction
        return extractor
