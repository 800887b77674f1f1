"""What holds for the stages of a backbone."""

import collections

import keras

from keras_transfer.models.spec import BackboneSpec
from keras_transfer.structure import stages
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.replay import leading
from keras_transfer.testing.conformance import require

# What selectors call the two parts of a model.
_TAKEN = ("backbone", "head")


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
