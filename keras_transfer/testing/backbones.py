"""The check that a backbone keeps its contract, its stages included."""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from keras_transfer.models import spec as registry
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.registry.registry import RUNTIME
from keras_transfer.structure import stages
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.replay import leading
from keras_transfer.testing import building
from keras_transfer.testing import classifying
from keras_transfer.testing import persistence
from keras_transfer.testing.building import require

# What selectors call the two parts of a model.
_TAKEN = ("backbone", "head")


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
    >>> kt.testing.check_backbone(kt.BackboneSpec(build, default_size=32))
    """
    spec, declared = _specification(backbone)
    building.check_sizes(spec, options)
    shape = input_shape or (spec.minimum_size, spec.minimum_size, 3)
    model, another = (building.build(spec, shape, options) for _ in range(2))
    building.check_output(spec, model)
    building.check_names(spec, model)
    check_stages(spec, model)
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


def check_stages(spec: BackboneSpec, model: keras.Model) -> None:
    """Checks that the stages share out all weights, from input to output.

    Raises:
        ConformanceError: If a stage names no layer, stages overlap, or one or
            more weights belong to no stage.
    """
    boundaries = spec.stages
    if boundaries == "auto":
        found = stages.detect_stages(model)
        boundaries = tuple((s.name, s.last_layer) for s in found)
    _check_pairs(spec, boundaries)
    calls = own_calls(model)
    ends = {call.operation.name: call for call in calls}
    _check_layers(spec, boundaries, ends)
    owners, before, previous = {}, set(), None
    for name, last_layer in boundaries:
        up_to = leading(calls, ends[last_layer].outputs)
        inside = set(up_to)
        require(
            before < inside or not before,
            f"The stages {previous!r} and {name!r} of {spec.name!r} overlap: "
            f"what ends at {last_layer!r} does not hold all of the stage "
            "before it and more. Order stages from input to output, each "
            "ending further on.",
        )
        own = [call.operation for call in up_to if call not in before]
        _share_out(spec, name, own, owners, bool(model.weights))
        before, previous = inside, name
    _check_rest(spec, model, owners, previous)
    output = calls[-1].operation.name
    require(
        boundaries[-1][1] == output,
        f"The last stage of {spec.name!r}, {previous!r}, must end at the "
        f"output, the layer {output!r}, instead of {boundaries[-1][1]!r}.",
    )


def _check_pairs(spec, boundaries):
    for pair in boundaries:
        require(
            isinstance(pair, (tuple, list))
            and len(pair) == 2
            and all(isinstance(part, str) for part in pair),
            f"The stages of {spec.name!r} must be (name, last layer) pairs of "
            f"strings: correct {pair!r}.",
        )
    require(boundaries, f"Give {spec.name!r} a stage, or stages='auto'.")
    counts = collections.Counter(name for name, _ in boundaries)
    shared = [name for name, count in counts.items() if count > 1]
    require(
        not shared,
        f"Several stages of {spec.name!r} share the name {shared[:1]}: call "
        "them stem, stage_1, stage_2 and so on.",
    )
    reserved = [name for name in counts if name in _TAKEN]
    require(
        not reserved,
        f"A stage of {spec.name!r} is called {reserved[:1]}, which means a "
        "part of the whole model in selectors: call it otherwise.",
    )


def _check_layers(spec, boundaries, ends):
    for name, last_layer in boundaries:
        require(
            last_layer in ends,
            f"The stage {name!r} of {spec.name!r} ends at {last_layer!r}, but "
            "no layer of that name leads to the output: name the last layer "
            "of the stage.",
        )
        require(
            name not in ends or name == last_layer,
            f"A stage and a layer of {spec.name!r} share the name {name!r}, "
            "so that selectors cannot tell them apart: rename one of them.",
        )


def _share_out(spec, stage, operations, owners, is_weighted):
    weights = [w for op in operations for w in getattr(op, "weights", ())]
    require(
        weights or not is_weighted,
        f"The stage {stage!r} of {spec.name!r} holds no weights: join it to "
        "the stage before or after it.",
    )
    for weight in weights:
        owner = owners.setdefault(id(weight), stage)
        require(
            owner == stage,
            f"The stages {owner!r} and {stage!r} of {spec.name!r} overlap: "
            f"both hold the weight {weight.path!r}. Let all uses of a layer "
            "lie in one stage.",
        )


def _check_rest(spec, model, owners, last_stage):
    missed = [w.path for w in model.weights if id(w) not in owners]
    require(
        not missed,
        f"The stages of {spec.name!r} miss {len(missed)} weights, such as "
        f"{missed[:1]}: let the last stage, {last_stage!r}, end at the output.",
    )
