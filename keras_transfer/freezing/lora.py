"""Low-rank adapters added to a model, and merged into its weights."""

from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.freezing import freezing
from keras_transfer.names import check_whole_number
from keras_transfer.optimizer.transition import transition
from keras_transfer.structure import adapters
from keras_transfer.structure import freeze_state
from keras_transfer.structure import novelty
from keras_transfer.structure import selectors as grammar
from keras_transfer.structure.paths import layers_by_path

_KINDS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


def add_lora(
    model: keras.Model,
    selectors: grammar.Selectors = "backbone",
    *,
    rank: int = 8,
    alpha: float | None = None,
    batch_norm: str = "frozen",
) -> keras.Model:
    """Adds low-rank adapters to dense layers and convolutions, in place.

    Prefer it to full fine-tuning where memory for the optimizer is short, or
    where many variants of one backbone are kept: an adapter has a few percent
    of the weights, and `kt.save_lora` stores it alone. The outputs do not
    change until it is trained. Afterwards the adapters and the head train and
    all else is frozen; the selector `"lora"` names the adapters in
    `kt.set_trainable` and in the phases of schedules.

    Exports and `kt.to_stock` merge adapters, and so does `kt.merge_lora`.

    Args:
        model: A built model; compiled or not.
        selectors: The layers that get adapters, in the grammar of
            `kt.set_trainable`. Those among them that are `Dense`,
            `EinsumDense` or `Conv1D` to `Conv3D` do, inside of composite
            layers too; depthwise convolutions have no low-rank form. Defaults
            to `"backbone"`.
        rank: Rank of the adapters, at least 1. Defaults to 8.
        alpha: The adapter is multiplied by `alpha / rank`. Defaults to `None`:
            the same as `rank`.
        batch_norm: As for `kt.set_trainable`; an adapted backbone without
            open layers has nothing that it concerns. Defaults to `"frozen"`.

    Returns:
        The model itself.

    Raises:
        ValueError: If nothing that is selected can have an adapter, or a
            layer has one already, is quantized, or has a constraint on its
            kernel. The model is unchanged then.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(16, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> model = kt.add_lora(model, rank=2)
    >>> sorted(weight.name for weight in model.trainable_weights)
    ['bias', 'kernel', 'lora_kernel_a', 'lora_kernel_b']

    Reference: [Hu et al., 2021](https://arxiv.org/abs/2106.09685)
    """
    check_whole_number("rank", rank, least=1)
    if alpha is not None and (isinstance(alpha, bool) or not alpha > 0):
        raise ValueError(
            f"`alpha` must be a number above 0, or None. Received: {alpha!r}."
        )
    paths = _paths(model, selectors)
    for layer in paths.values():
        adapters.enable(layer, rank, alpha)
    _open(model, batch_norm)
    adapters.forget_functions(model)
    if getattr(model, "compiled", False):
        transition(model)
    return model


def merge_lora(model: keras.Model) -> keras.Model:
    """Adds the adapters of a model to its weights and removes them, in place.

    The outputs stay the same but for rounding. The layers are stock layers
    without adapters again, each open where its bias was.

    Args:
        model: A model with adapters. If it is compiled, its optimizer begins
            anew, since the weights that it trained are gone.

    Returns:
        The model itself.

    Raises:
        ValueError: If no layer has an adapter, or one is quantized.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> kt.add_lora(model, "*", rank=1).count_params()
    22
    >>> kt.merge_lora(model).count_params()
    15
    """
    layers = list(adapters.adapted_layers(model).values())
    if not layers:
        raise ValueError(
            f"The model {model.name!r} has no adapters to merge. "
            "kt.add_lora(model) adds them."
        )
    merged_weights(model)  # Raises for all before any is changed.
    for layer in layers:
        factors = {id(factor) for factor in adapters.parts_of(layer)}
        is_open = any(
            weight.trainable
            for weight in compat.own_trainable_variables(layer)
            if id(weight) not in factors
        )
        _merge(layer)
        freeze_state.write([(layer, is_open)])
    adapters.forget_functions(model)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        fresh = type(optimizer).from_config(optimizer.get_config())
        compat.replace_optimizer(model, fresh)
    return model


def merged_weights(layer: Any) -> list[np.ndarray]:
    """`layer.get_weights()` with all adapters added to what they adapt.

    Args:
        layer: A layer or a model.
    """
    merged, left_out = {}, set()
    for part in compat.sublayers(layer):
        if adapters.has_adapter(part):
            base, *factors = adapters.parts_of(part)
            merged[id(base)] = _merged(part)
            left_out.update(map(id, factors))
    return [
        merged[id(weight)]
        if id(weight) in merged
        else keras.ops.convert_to_numpy(weight)
        for weight in layer.weights
        if id(weight) not in left_out
    ]


def _merged(layer):
    if getattr(layer, "quantization_mode", None) is not None:
        raise ValueError(
            f"The layer {layer.name!r} is quantized to "
            f"{layer.quantization_mode!r}: its adapter cannot be added to "
            "integers without rounding. Merge the adapters first, with "
            "kt.merge_lora(model), and quantize afterwards."
        )
    base, a, b = (
        keras.ops.convert_to_numpy(part) for part in adapters.parts_of(layer)
    )
    delta = np.matmul(a, b) * np.float32(layer.lora_alpha / layer.lora_rank)
    return (base.astype("float32") + delta).astype(base.dtype)


def _merge(layer):
    base, *_ = adapters.parts_of(layer)
    base.assign(_merged(layer))
    compat.remove_adapter(layer)


def _paths(model, selectors):
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has no weights yet. Call it on a batch "
            "of data, or give it an Input, before adding adapters."
        )
    selected = {id(op) for op in grammar.select(model, selectors)}
    inside = {
        id(layer)
        for operation in grammar.select(model, "*")
        if id(operation) in selected
        and isinstance(operation, keras.layers.Layer)
        for layer in compat.sublayers(operation)
        # Whoever normalizes the kernel of a layer keeps it under its own name.
        if not isinstance(operation, keras.layers.SpectralNormalization)
    }
    found = {
        path: layer
        for path, layer in layers_by_path(model).items()
        if id(layer) in inside and isinstance(layer, _KINDS)
    }
    if not found:
        raise ValueError(
            f"The selection {selectors!r} of {model.name!r} holds no layer "
            "that can have an adapter. Expected Dense, EinsumDense, Conv1D, "
            "Conv2D or Conv3D; depthwise and separable convolutions have no "
            "low-rank form."
        )
    for path, layer in found.items():
        fault = _fault(layer)
        if fault:
            raise ValueError(
                f"The layer {path!r} of {model.name!r} cannot have an adapter: "
                f"it {fault} The model is unchanged."
            )
    return found


def _fault(layer):
    if adapters.has_adapter(layer):
        return (
            "has one already. Merge it with kt.merge_lora(model), or select "
            "layers without one."
        )
    if getattr(layer, "quantization_mode", None) is not None:
        return (
            f"is quantized to {layer.quantization_mode!r}, and integers take "
            "no adapter. Add and merge adapters first, and quantize then."
        )
    if layer.kernel_constraint is not None:
        return (
            f"has the constraint {type(layer.kernel_constraint).__name__} on "
            "its kernel, which an adapter would break. Leave it out of "
            "`selectors`."
        )
    return ""


def _open(model, batch_norm):
    opened = [adapters.SELECTOR]
    if novelty.find(model).has_new_weights:
        opened.append("head")
    freezing.set_trainable(model, opened, batch_norm=batch_norm)
