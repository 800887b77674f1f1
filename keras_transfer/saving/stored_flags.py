"""Trainability of each layer as a model file says it."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer.saving.archive import ModelFileError
from keras_transfer.structure import freeze_state


def restore(model: keras.Model, config: dict[str, Any]) -> None:
    """Freezes and opens the layers of a loaded model as its file says.

    Keras does most of it; it forgets the flag of a `Sequential`, which closes
    all that it holds.

    Args:
        model: The model, just loaded.
        config: What `config.json` of its file holds.

    Raises:
        ModelFileError: If a layer does not take the flag.
    """
    flags = list(_stored(model, config))
    if all(layer.trainable == flag for layer, flag in flags):
        # Nothing to write, which would also touch the flags of variables.
        return
    freeze_state.write(flags)
    for layer, flag in flags:
        if layer.trainable != flag:
            raise ModelFileError(
                f"says trainable={flag} for the layer {layer.name!r}, which "
                f"is {layer.trainable} all the same.",
                "Set the flag after loading with kt.set_trainable, or save "
                "the model again.",
            )


def _stored(layer, item) -> Iterator[tuple[Any, bool]]:
    """Layers with their stored flags, outermost first."""
    config = item.get("config")
    if not isinstance(config, dict):
        return
    if isinstance(config.get("trainable"), bool):
        yield layer, config["trainable"]
    if not isinstance(layer, keras.Model):
        return
    by_name = {inner.name: inner for inner in layer.layers}
    for inner in config.get("layers") or ():
        if isinstance(inner, dict) and isinstance(inner.get("config"), dict):
            found = by_name.get(inner["config"].get("name"))
            if found is not None:
                yield from _stored(found, inner)
