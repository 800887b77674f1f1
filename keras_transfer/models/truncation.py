"""Backbones changed after they are built: cut off, or given other channels."""

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer import names
from keras_transfer.saving import weights
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.stages import Stage


def truncate(
    backbone: keras.Model, cut_at: str, stages: tuple[Stage, ...]
) -> keras.Model:
    """Builds the part of a backbone that ends at a stage or a layer.

    What follows is in neither the result nor what it holds in memory: the
    kept layers are cloned, since the originals know the layers after them.

    Args:
        backbone: A Functional model.
        cut_at: Name of a stage or of a layer of the backbone.
        stages: The backbone's stages.

    Returns:
        A Functional model with the same layer names and weights.

    Raises:
        ValueError: If `cut_at` names neither a stage nor a layer.
    """
    by_name = {c.operation.name: c for c in own_calls(backbone)}
    ends = {stage.name: stage.last_layer for stage in stages}
    if not isinstance(cut_at, str):
        raise TypeError(
            "`cut_at` must be the name of a stage or a layer. Received: "
            f"{cut_at!r} of type {type(cut_at).__name__}."
        )
    last_layer = ends.get(cut_at, cut_at)
    if last_layer not in by_name:
        raise ValueError(
            f"Cannot cut {backbone.name!r} at {cut_at!r}: expected one of its "
            f"stages {list(ends)} or the name of a layer."
            + names.did_you_mean(cut_at, [*ends, *by_name])
        )
    part = keras.Model(
        backbone.inputs, by_name[last_layer].outputs[0].spec, name=backbone.name
    )
    with compat.canonical_names():
        image = keras.Input(backbone.input_shape[1:])
        clone = keras.models.clone_model(part, input_tensors=[image])
        # Cloning makes a list of the input, which then wants lists of images.
        clone = keras.Model(image, clone.output, name=backbone.name)
    weights.assign_weights(clone, part.get_weights())
    return clone


def stages_up_to(
    model: keras.Model, stages: tuple[Stage, ...]
) -> tuple[tuple[str, str], ...]:
    """Returns the `(name, last layer)` pairs that remain after a cut.

    The stage that the cut goes through ends at the model's output.
    """
    names = {operation.name for operation in model.operations}
    end = own_calls(model)[-1].operation.name
    kept = [(s.name, s.last_layer) for s in stages if s.last_layer in names]
    if kept and kept[-1][1] == end:
        return tuple(kept)
    return (*kept, (stages[len(kept)].name, end))


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies the weights of a 3-channel network to one with other channels.

    Only the first convolution differs: for one channel its kernel is the sum
    over the three, so that a gray image gives what its RGB copy would give.
    For more channels the three are repeated and scaled by `3 / channels`,
    which keeps the size of the activations. Statistics of the three channels,
    where a network normalizes its input itself, follow in the same manner.

    Args:
        source: The pretrained network.
        target: The same architecture with another number of input channels.

    Raises:
        ValueError: If the networks differ in more than the input channels.
    """
    channels = target.inputs[0].shape[-1]
    adapted = []
    for old, new in zip(source.weights, target.weights, strict=True):
        value = keras.ops.convert_to_numpy(old)
        if old.shape != new.shape:
            value = _adapt(value, channels)
        if value.shape != tuple(new.shape):
            raise ValueError(
                f"Cannot adapt the weight {old.path!r} of shape "
                f"{value.shape} to {channels} input channels: expected "
                f"{tuple(new.shape)}. Use images of 3 channels."
            )
        adapted.append(value)
    weights.assign_weights(target, adapted)


def _adapt(value, channels):
    is_kernel = value.ndim >= 2
    axis = -2 if is_kernel else -1
    if value.ndim == 0 or value.shape[axis] != 3:
        return value
    if channels == 1:
        reduce = np.sum if is_kernel else np.mean
        return reduce(value, axis=axis, keepdims=True)
    repeated = np.take(value, [i % 3 for i in range(channels)], axis=axis)
    return repeated * (3 / channels) if is_kernel else repeated
