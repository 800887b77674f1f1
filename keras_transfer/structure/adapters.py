"""Low-rank adapters (LoRA): the layers that have them, and their values.

Keras stores a layer with an adapter as one kernel, into which the adapter was
added, and sets both of its factors to zero when it reads it, after which they
have no gradient. Here the kernel below the adapter and its factors are kept
beside that, bit for bit, so that training can go on.
"""

import math
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.structure import freeze_state
from keras_transfer.structure.paths import layers_by_path

SELECTOR = "lora"
# Attributes: the weight below the adapter, and the factors of what is added.
_EMBEDDINGS = ("_embeddings", "lora_embeddings_a", "lora_embeddings_b")
_KERNEL = ("_kernel", "lora_kernel_a", "lora_kernel_b")
_ONE_SHOT = "load_own_variables"


def has_adapter(layer: Any) -> bool:
    """Whether a layer itself has an adapter."""
    return bool(getattr(layer, "lora_enabled", False))


def is_adapted(operation: Any) -> bool:
    """Whether an operation, or a layer inside of it, has an adapter."""
    return isinstance(operation, keras.layers.Layer) and any(
        map(has_adapter, compat.sublayers(operation))
    )


def adapted_layers(model: keras.Model) -> dict[str, Any]:
    """Maps the path of each layer that has an adapter to it.

    Layers inside of composite layers have paths, too: `encoder/attention/key`.

    Args:
        model: Any Keras model.
    """
    return {p: la for p, la in layers_by_path(model).items() if has_adapter(la)}


def parts_of(layer: Any) -> tuple[Any, Any, Any]:
    """The weight below the adapter of a layer, and the two factors."""
    names = _KERNEL if hasattr(layer, _KERNEL[1]) else _EMBEDDINGS
    return tuple(getattr(layer, name) for name in names)


def factors_of(layer: Any) -> list[Any]:
    """The trainable weights of the adapters of a layer and of its parts."""
    return [
        factor
        for part in compat.sublayers(layer)
        if has_adapter(part)
        for factor in parts_of(part)[1:]
    ]


def forget_functions(model: keras.Model) -> None:
    """Drops compiled steps, traced with other adapters than there are now."""
    for name in ("train_function", "test_function", "predict_function"):
        setattr(model, name, None)


def enable(layer: Any, rank: int, alpha: float | None) -> None:
    """Gives a layer an adapter, which at first changes nothing."""
    layer.enable_lora(rank, lora_alpha=alpha)
    # They train as their layer does, also one that is frozen now.
    _, a, b = parts_of(layer)
    freeze_state.write((), [(a, layer.trainable), (b, layer.trainable)])


def record(model: keras.Model) -> list[list[Any]]:
    """Path, rank and alpha of each adapter, as a file says it.

    Adapters on quantized weights are left to Keras.

    Args:
        model: Any Keras model.
    """
    return [
        [path, layer.lora_rank, layer.lora_alpha]
        for path, layer in adapted_layers(model).items()
        if getattr(layer, "quantization_mode", None) is None
    ]


def save(model: keras.Model, store: MutableMapping[str, Any]) -> None:
    """Writes the exact values of all adapters and of what they adapt."""
    layers = adapted_layers(model)
    for number, (path, *_) in enumerate(record(model)):
        for name, part in zip("kab", parts_of(layers[path]), strict=True):
            store[f"lora_{number}_{name}"] = part


def is_extra(name: str) -> bool:
    """Whether a tensor of a file is one of those that `save` wrote."""
    return name.rpartition("/")[2].startswith("lora_")


def load(
    model: keras.Model,
    store: Mapping[str, Any],
    recorded: list[list[Any]] | None,
) -> bool:
    """Restores what `save` wrote while Keras loads the weights of a model.

    Keras may give a layer its weights before or after this; those that it
    gives later are replaced at once.

    Args:
        model: The model that is being loaded.
        store: The stored values; empty in files without adapters.
        recorded: What `record` returned; `None` where only weights are loaded
            into a model that is there already.

    Returns:
        Whether layers got adapters.

    Raises:
        ValueError: If the file says something that does not fit the model.
    """
    layers = layers_by_path(model)
    known = record(model) if recorded is None else recorded
    changed = False
    pending = {p: la for p, la in layers.items() if has_adapter(la)}
    for layer in layers.values():
        vars(layer).pop(_ONE_SHOT, None)
    for number, (path, rank, alpha) in enumerate(known):
        names = [f"lora_{number}_{name}" for name in "kab"]
        if not all(name in store.keys() for name in names):
            continue
        values = [np.array(store[name]) for name in names]
        layer = layers.get(path)
        _check(model, path, layer, rank, alpha, values)
        if not has_adapter(layer):
            enable(layer, rank, alpha)
            changed = True
        layer.lora_alpha = alpha
        pending.pop(path, None)
        _give(layer, values)
        _replace_next_load(layer, lambda la=layer, v=values: _give(la, v))
    for layer in pending.values():
        _replace_next_load(layer, lambda la=layer: revive(la))
    return changed


def _check(model, path, layer, rank, alpha, values):
    base, *factors = values
    fault = fault_of(layer, rank, alpha, factors)
    if not fault and base.shape != weight_below(layer).shape:
        fault = f"adapts a weight of shape {base.shape}"
    if fault:
        raise ValueError(
            f"the adapter of {path!r} does not fit {model.name!r}: it {fault}"
        )


def fault_of(layer: Any, rank: Any, alpha: Any, factors: list[Any]) -> str:
    """Why stored factors do not fit a layer; `""` if they do.

    Args:
        layer: The layer, or `None` where the model has none of that path.
        rank: Their rank, as a file says it.
        alpha: Their alpha, likewise.
        factors: The arrays; `None` for one that is missing.
    """
    if layer is None or not hasattr(layer, "enable_lora"):
        return "is for a layer that the model does not have"
    if not math.isfinite(alpha):
        return f"has the alpha {alpha!r}"
    shapes = [getattr(factor, "shape", None) for factor in factors]
    if getattr(layer, "quantization_mode", None) is not None:
        return "is for a layer that is quantized here"
    base = tuple(weight_below(layer).shape)
    expected = [(*base[:-1], rank), (rank, base[-1])]
    if has_adapter(layer) and layer.lora_rank != rank:
        return f"has the rank {rank}, and the layer {layer.lora_rank}"
    if shapes != expected:
        return (
            f"has factors of the shapes {shapes}; expected {expected} for a "
            f"weight of shape {base}"
        )
    return ""


def weight_below(layer: Any) -> Any:
    """The weight that the adapter of a layer adapts, or would adapt."""
    if has_adapter(layer):
        return parts_of(layer)[0]
    return next(iter(compat.own_trainable_variables(layer)))


def _give(layer, values):
    for part, value in zip(parts_of(layer), values, strict=True):
        part.assign(
            value.view(part.dtype) if value.dtype.kind == "V" else value
        )


def _replace_next_load(layer, then):
    ordinary = layer.load_own_variables

    def load_own_variables(store):
        vars(layer).pop(_ONE_SHOT, None)
        ordinary(store)
        then()

    object.__setattr__(layer, _ONE_SHOT, load_own_variables)


def revive(layer: Any) -> None:
    """Draws the first factor anew where both are zero and would stay it."""
    _, a, b = parts_of(layer)
    if not any(np.any(keras.ops.convert_to_numpy(factor)) for factor in (a, b)):
        a.assign(keras.initializers.HeUniform()(a.shape, a.dtype))
