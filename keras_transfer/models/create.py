"""Creation of a backbone by name."""

import dataclasses
import inspect
import os
import pathlib
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer import names
from keras_transfer.files import checksums
from keras_transfer.models import preset
from keras_transfer.models import spec as registry
from keras_transfer.models import truncation
from keras_transfer.models import weight_sources
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.models.weight_sources import WeightsFile
from keras_transfer.saving import weights as weights_files
from keras_transfer.structure import model_info
from keras_transfer.structure import origins
from keras_transfer.structure import stages


def create_backbone(
    name: str | os.PathLike | BackboneSpec,
    *,
    weights: str | os.PathLike | WeightsFile | None = "imagenet",
    input_shape: tuple[int, int, int] | None = None,
    cut_at: str | None = None,
    **options: Any,
) -> keras.Model:
    """Creates a registered backbone as a plain Functional model.

    It maps preprocessed images to features. `build_model` adds the
    preprocessing that the registry declares for it.

    Args:
        name: Full name (`"applications/vgg16"`) or unique short name, or a
            specification, registered or not. Or a preset that
            `save_backbone` wrote: `"./folder"`, `"hf://org/name"`.
        weights: A tag such as `"imagenet"`; the path of a weights file, or of
            a folder that holds one; an address, `"https://..."` (ending in
            `#sha256=...` to have it checked) or `"hf://org/name"` (also
            `"hf://org/name@revision/file"`); a `WeightsFile`; or `None` for
            random weights. Defaults to `"imagenet"`; a preset has its own.
        input_shape: `(height, width, channels)` in pixels; `None` as height
            and width leaves the size open. Channels may be 1, 3 or more; the
            first convolution of pretrained weights is adapted. Defaults to
            the backbone's own size with 3 channels.
        cut_at: Stage or layer that becomes the output; what follows is
            removed. Defaults to `None`: the whole network.
        **options: Options of the backbone, such as `alpha=0.75`.

    Returns:
        A Functional `keras.Model` with the same layer names in every process.

    Raises:
        ValueError: For an unknown name, option, shape, weights or cut, or a
            weights file that does not fit.
        ConnectionError: If weights can be neither found nor downloaded.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone("vgg16", weights=None, cut_at="stage_2")
    >>> backbone.output_shape
    (None, 56, 56, 128)
    """
    if preset.is_preset(name):
        return _from_preset(name, weights, input_shape, cut_at, options)
    is_spec = isinstance(name, BackboneSpec)
    spec = name if is_spec else registry.get_backbone(name)
    _check_options(spec, options)
    input_shape = _checked_shape(spec, input_shape)
    found = None
    if weights is not None:
        found = weight_sources.find_weights(spec, weights, input_shape, options)
        # Before the model is built, which takes seconds where it is large.
        weights_files.check_readable(found.path)
    model = _build(spec, input_shape, options)
    if found is not None:
        _load(spec, model, found, input_shape, options)
    declared = spec.stages
    model_stages = (
        stages.detect_stages(model)
        if declared == "auto"
        else stages.describe_stages(model, declared)
    )
    boundaries = tuple((s.name, s.last_layer) for s in model_stages)
    if cut_at is not None:
        model = truncation.truncate(model, cut_at, model_stages)
        boundaries = truncation.stages_up_to(model, model_stages)
    owner = ("", "") if is_spec else registry.owner_of(spec.name)
    record = model_info.Provenance(
        name=spec.name,
        options=options,
        weights=found.label if found else None,
        sha256=checksums.file_sha256(found.path) if found else None,
        cut_at=cut_at,
        stages=boundaries,
        preprocessing=spec.preprocessing,
        distribution=owner[0],
        version=owner[1],
        license=spec.license,
    )
    model_info.attach(model, record)
    _note(model, record)
    return model


def _note(model, record):
    source = record.weights or "kt.create_backbone"
    origin = origins.Origin(model.name, source, record.stages)
    origins.mark([model], origin)


def _build(spec, input_shape, options):
    with compat.canonical_names():
        model = spec.builder(input_shape, **options)
    if not isinstance(model, keras.Model) or not compat.is_graph(model):
        raise TypeError(
            f"The builder of the backbone {spec.name!r} must return a "
            f"Functional keras.Model. Received: {type(model).__name__}."
        )
    return model


def _load(spec, model, found, input_shape, options):
    # Pretrained files are for RGB: load into that network, then adapt.
    is_rgb = input_shape[-1] == 3
    rgb = model if is_rgb else _build(spec, (*input_shape[:-1], 3), options)
    if spec.read_weights is not None and _is_publishers(found.path):
        spec.read_weights(rgb, found.path)
    else:
        weights_files.load_weights(rgb, found.path, classifier=spec.classifier)
    if found.finish is not None:
        found.finish(rgb)
    if not is_rgb:
        truncation.copy_weights(rgb, model)


def _is_publishers(path):
    name = pathlib.Path(path).name
    return name.endswith((".h5", ".hdf5")) and not name.endswith(".weights.h5")


def _from_preset(place, weights, input_shape, cut_at, options):
    model = preset.load_backbone(place)
    record = model_info.provenance_of(model)
    shape = tuple(model.input_shape[1:])
    is_asked_as_is = weights == "imagenet" and not options
    if not is_asked_as_is or input_shape not in (None, shape):
        raise ValueError(
            f"The preset {os.fspath(place)!r} comes with its own weights, "
            f"options and input_shape={shape}. To change them, create the "
            f"backbone by name, with weights={os.fspath(place)!r}."
        )
    if cut_at is not None:
        model_stages = stages.stages_of(model)
        model = truncation.truncate(model, cut_at, model_stages)
        boundaries = truncation.stages_up_to(model, model_stages)
        record = dataclasses.replace(record, cut_at=cut_at, stages=boundaries)
        model_info.attach(model, record)
    _note(model, record)
    return model


def _check_options(spec, options):
    parameters = inspect.signature(spec.builder).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    for option in options:
        if option not in spec.options:
            raise ValueError(
                f"Unknown option {option!r} of the backbone {spec.name!r}. "
                f"Expected one of {sorted(spec.options)}."
                + names.did_you_mean(option, spec.options)
            )


def _checked_shape(spec, shape):
    if shape is None:
        return (spec.default_size, spec.default_size, 3)
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else shape
    if not isinstance(shape, tuple) or len(shape) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels), such as "
            f"({spec.default_size}, {spec.default_size}, 3), without the "
            f"batch axis. Received: {shape!r}."
        )
    *size, channel_count = shape
    for length in shape:
        if length is not None and (
            isinstance(length, bool) or not isinstance(length, int)
        ):
            raise ValueError(
                "`input_shape` must hold integers (or None for an open height "
                f"or width). Received: {shape!r}."
            )
    if channel_count is None or channel_count < 1:
        raise ValueError(
            "`input_shape` must end with the number of channels, at least 1. "
            f"Received: {shape!r}."
        )
    if shape[0] in (1, 3, 4) and channel_count >= max(5, spec.minimum_size):
        raise ValueError(
            f"`input_shape` is (height, width, channels). Received {shape!r}, "
            "which looks like channels first: write "
            f"{(*shape[1:], shape[0])!r}."
        )
    for length in size:
        if length is not None and length < spec.minimum_size:
            raise ValueError(
                f"The backbone {spec.name!r} needs images of at least "
                f"{spec.minimum_size}x{spec.minimum_size} pixels. Received: "
                f"`input_shape={shape!r}`."
            )
    return shape
