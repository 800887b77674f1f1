"""The check that a backbone keeps its contract."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_transfer.models import spec as registry
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.registry.registry import RUNTIME
from keras_transfer.testing import building
from keras_transfer.testing import classifying
from keras_transfer.testing import persistence
from keras_transfer.testing import staging


def check_backbone(
    backbone: str | BackboneSpec | Callable,
    *,
    weights: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
    **options: Any,
) -> None:
    """Checks that a backbone works with all that the library does to it.

    It builds the network several times, saves it, loads it in safe mode, cuts
    it and trains a head on it for one step, on random images. Call it from a
    test of your plugin.

    Args:
        backbone: Name of a registered backbone, a specification, or a builder.
            By name it is also checked that every class that its files need is
            declared in the group `keras_transfer.serializable`.
        weights: A tag of its pretrained weights, to check that none of them
            silently stays random. Defaults to `None`: only a weights file of
            its own making is checked.
        input_shape: `(height, width, channels)` of the images. Defaults to the
            smallest that the backbone takes, with 3 channels.
        **options: Options of the backbone.

    Raises:
        ConformanceError: Says what is wrong and how to mend it.
        ValueError: If nothing is registered under that name.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> def build(input_shape):
    ...     image = keras.Input(input_shape)
    ...     features = keras.layers.Conv2D(8, 3, name="conv")(image)
    ...     return keras.Model(image, features, name="tiny")
    >>> check_backbone(kt.BackboneSpec(build, default_size=32))
    """
    spec, declared = _specification(backbone)
    building.check_sizes(spec, options)
    shape = input_shape or (spec.minimum_size, spec.minimum_size, 3)
    model, another = (building.build(spec, shape, options) for _ in range(2))
    building.check_output(spec, model)
    building.check_names(spec, model)
    staging.check_stages(spec, model)
    persistence.check_saving(model, f"The backbone {spec.name!r}", declared)
    building.check_repetition(spec, model, another)
    persistence.check_weights_file(spec, model, another)
    if weights is not None:
        persistence.check_pretrained(spec, weights, shape, options)
    classifying.check_preprocessing(spec, shape, declared)
    classifying.check_classifier(spec, weights, shape, options)


def _specification(backbone):
    """The specification, and whether an installed distribution declares it."""
    if isinstance(backbone, str):
        spec = registry.get_backbone(backbone)
        return spec, registry.owner_of(spec.name)[0] != RUNTIME
    spec = backbone
    if not isinstance(backbone, BackboneSpec):
        spec = BackboneSpec(backbone)
    if not spec.name:
        name = getattr(spec.builder, "__name__", "backbone")
        spec = dataclasses.replace(spec, name=name)
    return spec, False
