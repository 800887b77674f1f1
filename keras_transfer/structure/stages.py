"""Stages of a backbone: declared, or detected by strides or attention."""

import dataclasses
from typing import Any

import keras

from keras_transfer.structure import cuts
from keras_transfer.structure import model_info
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.paths import operations_of

_MERGE = (keras.layers.Add, keras.layers.Concatenate, keras.layers.Average)
_ACTIVATION = (keras.layers.Activation, keras.layers.ReLU)


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a backbone that is frozen, cut or read as one.

    Args:
        name: `stem`, `stage_1` and so on, from input to output; `stem`,
            `block_1` and so on in a transformer of one resolution.
        last_layer: Name of the layer whose output ends the stage.
        reduction: How many input pixels one position stands for, in each
            direction; `None` where that is unknown.
        channels: Number of channels at the end of the stage.
    """

    name: str
    last_layer: str
    reduction: int | None = None
    channels: int | None = None


def stages_of(backbone: keras.Model) -> tuple[Stage, ...]:
    """Returns a backbone's stages from input to output.

    Those that its plugin declares, otherwise those that `detect_stages` finds.

    Args:
        backbone: A Functional model.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, strides=2, name="conv_1")(image)
    >>> x = keras.layers.Conv2D(16, 3, strides=2, name="conv_2")(x)
    >>> [stage.name for stage in kt.stages_of(keras.Model(image, x))]
    ['stem', 'stage_1']
    """
    record = model_info.provenance_of(backbone)
    if record is None or not record.stages:
        return detect_stages(backbone)
    return describe_stages(backbone, record.stages)


def describe_stages(
    model: keras.Model, boundaries: tuple[tuple[str, str], ...]
) -> tuple[Stage, ...]:
    """Adds reduction and channels to `(name, last layer)` pairs.

    Raises:
        ValueError: If the model has no layer of that name.
    """
    reductions = cuts.reductions_of(model)
    by_name = {call.operation.name: call for call in own_calls(model)}
    stages = []
    for name, last_layer in boundaries:
        if last_layer not in by_name:
            raise ValueError(
                f"Stage {name!r} of {model.name!r} ends at {last_layer!r}, but "
                "the model has no layer of that name on the way to its output."
            )
        end = by_name[last_layer].outputs[0]
        channels = end.spec.shape[-1]
        stages.append(Stage(name, last_layer, reductions.get(end), channels))
    return tuple(stages)


def partition(
    model: keras.Model, stages: tuple[Stage, ...]
) -> dict[str, list[Any]]:
    """Assigns every operation of a model to exactly one stage.

    An operation belongs to the first stage whose end depends on it; what no
    end depends on belongs to the last stage.

    Args:
        model: A Functional model.
        stages: Its stages from input to output.

    Returns:
        Operations of each stage, in the order of `model.operations`.
    """
    calls = own_calls(model)
    producer = {ref: call for call in calls for ref in call.outputs}
    ends = {call.operation.name: call for call in calls}
    owner: dict[int, str] = {}
    for stage in stages:
        pending = [ends[stage.last_layer]]
        while pending:
            call = pending.pop()
            if id(call.operation) in owner:
                continue
            owner[id(call.operation)] = stage.name
            pending += [producer[ref] for ref in call.inputs if ref in producer]
    parts: dict[str, list[Any]] = {stage.name: [] for stage in stages}
    for operation in operations_of(model):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        parts[owner.get(id(operation), stages[-1].name)].append(operation)
    return parts


def detect_stages(model: keras.Model) -> tuple[Stage, ...]:
    """Finds the stages of a network by its strides, or by its attention.

    A stage ends at the last tensor of one resolution through which everything
    after it must pass (the merge of a residual block rather than a branch),
    so that cutting there is safe. A network of one resolution is one stage, or
    where it has attention, as ViT, one for each block.

    Args:
        model: A Functional model from images to features.

    Returns:
        Stages from input to output; each of them holds weights.
    """
    reductions = cuts.reductions_of(model)
    candidates: dict[int, list[Any]] = {}
    for call in cuts.cut_safe_calls(model):
        reduction = reductions.get(call.outputs[0])
        if reduction is not None and len(call.outputs[0].spec.shape) == 4:
            candidates.setdefault(reduction, []).append(call)
    ends = [_end_of(candidates[r]) for r in sorted(candidates)]
    end = own_calls(model)[-1]
    if ends:
        ends[-1] = end
    else:
        ends = [end]
    ends = _without_weightless(model, ends)
    if len(ends) > 1:
        first = reductions.get(ends[0].outputs[0])
        has_stem = first is not None and first <= 2
        return _named(ends, reductions, "stage", has_stem)
    starts = cuts.block_starts(model)
    blocks = _without_weightless(model, [*starts, end])
    if len(blocks) > 1:
        has_stem = blocks[0] is starts[0]
        return _named(blocks, reductions, "block", has_stem)
    return _named(ends, reductions, "stage", has_stem=False)


def _named(ends, reductions, kind, has_stem):
    stages = []
    for i, call in enumerate(ends):
        number = i if has_stem else i + 1
        stages.append(
            Stage(
                name=f"{kind}_{number}" if number else "stem",
                last_layer=call.operation.name,
                reduction=reductions.get(call.outputs[0]),
                channels=call.outputs[0].spec.shape[-1],
            )
        )
    return tuple(stages)


def _without_weightless(model, ends):
    """Merges a stage that holds no weights into the one before it.

    At the input, where images are only rescaled, into the one after it.
    """
    trial = tuple(Stage(str(i), c.operation.name) for i, c in enumerate(ends))
    parts = partition(model, trial)
    kept = []
    for i, call in enumerate(ends):
        has_weights = any(getattr(op, "weights", ()) for op in parts[str(i)])
        if has_weights:
            kept.append(call)
        elif kept:
            kept[-1] = call
    return kept or ends[-1:]


def _end_of(calls):
    """Picks the last merge of one resolution with its activation, or the last.

    What follows a merge at the same resolution (a transition's normalization,
    an expansion) prepares the next stage.
    """
    merges = [
        i for i, call in enumerate(calls) if isinstance(call.operation, _MERGE)
    ]
    if not merges:
        return calls[-1]
    end = merges[-1]
    channels = calls[end].outputs[0].spec.shape[-1]
    while (
        end + 1 < len(calls)
        and isinstance(calls[end + 1].operation, _ACTIVATION)
        and calls[end + 1].outputs[0].spec.shape[-1] == channels
    ):
        end += 1
    return calls[end]
