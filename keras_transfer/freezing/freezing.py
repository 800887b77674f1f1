"""What of a model trains: layers frozen and opened by selection."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.structure import freeze_state
from keras_transfer.structure import novelty
from keras_transfer.structure import parting
from keras_transfer.structure import selectors as grammar
from keras_transfer.structure.adapters import factors_of
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.paths import paths_of

BATCH_NORM_POLICIES = ("full", "frozen", "statistics", "affine")


def set_trainable(
    model: keras.Model,
    selectors: grammar.Selectors,
    *,
    batch_norm: str = "full",
    keep_frozen: Iterable[Any] = (),
) -> None:
    """Opens exactly what is selected and freezes the rest of the model.

    Call it before `compile`, or between two calls of `fit` followed by
    `compile`; to change what trains while `fit` runs, use a schedule.

    Args:
        model: A model or a backbone. Only this model is touched: freezing a
            backbone leaves the head of the model around it as it is.
        selectors: What trains: a stage, a layer path, a pattern, an index or
            slice over `model.operations`, a fraction from the output, a
            predicate, `"lora"` (the adapters of `kt.add_lora` alone), or a
            sequence of these. `[]` freezes everything.
        batch_norm: What the selected BatchNormalization layers of the backbone
            do (those of a head always train): `"full"` trains them like any
            layer, `"frozen"` leaves them as they are, `"statistics"` updates
            only the moving averages, `"affine"` trains only gamma and beta.
            Defaults to `"full"`.
        keep_frozen: Weights that stay frozen wherever they are, such as those
            that `never_trained` returns. Defaults to none; the weights under
            LoRA always stay frozen.

    Raises:
        ValueError: For a selector that matches nothing or only layers without
            weights, and for an unknown policy.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> kt.set_trainable(model, "output")
    >>> len(model.trainable_variables)
    2
    """
    if batch_norm not in BATCH_NORM_POLICIES:
        raise ValueError(
            f"Unknown `batch_norm` policy {batch_norm!r}. Expected one of "
            f"{BATCH_NORM_POLICIES}."
        )
    of_layers, adapted = grammar.divide(model, selectors)
    selected = grammar.select(model, of_layers)
    nothing_asked = isinstance(selectors, (list, tuple, set)) and not selectors
    if not nothing_asked and not any(
        getattr(op, "weights", ()) for op in [*selected, *adapted]
    ):
        raise ValueError(
            f"The selection {selectors!r} of {model.name!r} holds no weights, "
            f"only {[op.name for op in selected][:3]}. Select layers that "
            "have weights; `kt.trainable_summary(model)` lists the parts."
        )
    kept = {id(variable) for variable in keep_frozen}
    _write(
        model,
        {id(op) for op in selected},
        batch_norm,
        kept,
        {id(op) for op in adapted},
    )


def never_trained(model: keras.Model) -> list[Any]:
    """Returns the weights that are frozen inside of layers that train.

    Somebody froze them one by one: an adapter the weights it adapts, or a user
    a single kernel. Freezing their layer and opening it again would open them
    as well, so note them first and pass them to `set_trainable`.
    BatchNormalization is left out, as its policies are such flags.

    Args:
        model: A built model.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model.layers[0].kernel.trainable = False
    >>> [weight.name for weight in never_trained(model)]
    ['kernel']
    """
    kept = {}
    for layer in compat.sublayers(model):
        fixed = compat.lora_bases(layer)
        # The selector "lora" closes all of a layer but its adapter.
        if (
            layer.trainable
            and not fixed
            and not isinstance(layer, keras.layers.BatchNormalization)
        ):
            own = compat.own_trainable_variables(layer)
            fixed = [variable for variable in own if not variable.trainable]
        kept.update((id(variable), variable) for variable in fixed)
    return list(kept.values())


def freeze(
    model: keras.Model,
    up_to: grammar.Selector | None = None,
    *,
    batch_norm: str = "full",
    head: grammar.Selectors | None = None,
    backbone: grammar.Selectors | None = None,
) -> None:
    """Freezes the backbones of a model, or it up to a layer; opens the rest.

    A backbone is what came from a source: from `kt.create_backbone`, a preset,
    `kt.load_model` or `kt.load_weights`, or as a nested model from elsewhere.
    All else is the head, wherever it hangs.

    Args:
        model: A model or a backbone.
        up_to: The last part that is frozen, from the input on. Defaults to
            `None`: every backbone and nothing else, so that the head trains.
        batch_norm: As for `set_trainable`, for the part that trains.
        head: Selectors of all layers that are new, where that cannot be known
            or is known wrongly. It stays noted on the layers. Defaults to
            `None`: all that is in no backbone.
        backbone: The same for the pretrained layers. Defaults to `None`: all
            that is not in `head`.

    Raises:
        ValueError: If a selector matches nothing; without `up_to`, if it
            cannot be known what is new: the message has the table of layers.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> kt.freeze(model, up_to="hidden")
    >>> [layer.trainable for layer in model.layers]
    [False, True]
    """
    parting.say(model, head, backbone)
    if up_to is None:
        frozen = novelty.pretrained_leaves(parting.known(model, "kt.freeze"))
    else:
        boundary = grammar.select(model, up_to)
        frozen = _upstream(model, {id(op) for op in boundary})
    rest = [
        id(op)
        for op in paths_of(model).values()
        if not isinstance(op, keras.Model) and id(op) not in frozen
    ]
    _write(model, set(rest), batch_norm)


def _upstream(model, targets):
    """Ids of the targets and of everything in the model that leads to them."""
    if not compat.is_graph(model):
        # A subclassed model shows no edges: creation order stands for them.
        order = [id(op) for op in paths_of(model).values()]
        found = [i for i, leaf in enumerate(order) if leaf in targets]
        return set(order[: max(found) + 1])
    upstream: set[int] = set()
    wanted: set[Ref] = set()
    for call in reversed(own_calls(model)):
        leaves = _leaves(call.operation)
        leads_there = not wanted.isdisjoint(call.outputs)
        if leads_there:
            upstream |= leaves
        elif isinstance(call.operation, keras.Model) and leaves & targets:
            upstream |= _upstream(call.operation, targets)
        elif leaves & targets:
            upstream |= leaves
        if leads_there or leaves & targets:
            wanted.update(call.inputs)
    return upstream


def _leaves(operation: Any) -> set[int]:
    if isinstance(operation, keras.Model):
        return {id(op) for op in paths_of(operation).values()}
    return {id(operation)}


def _write(model, opened, batch_norm, kept=frozenset(), adapted=frozenset()):
    """Freezes and opens every layer and weight of a model."""
    either = opened | adapted
    layers = [(model, not either.isdisjoint(_leaves(model)))]
    weights = []
    head: set[int] = set()
    if batch_norm != "full":  # There is nothing to protect in a new head.
        head = set().union(*map(_leaves, novelty.find(model).head))
    for operation in paths_of(model).values():
        if not isinstance(operation, keras.layers.Layer):
            continue
        is_open = not opened.isdisjoint(_leaves(operation))
        if isinstance(operation, keras.Model):
            is_held = not either.isdisjoint(_leaves(operation))
            layers.append((operation, is_held))
            continue
        policy = "full" if id(operation) in head else batch_norm
        for layer in compat.sublayers(operation):
            is_layer_open, are_weights_open = _flags(layer, is_open, policy)
            found = factors_of(layer) if id(operation) in adapted else ()
            factors = {id(factor) for factor in found}
            layers.append((layer, is_layer_open or bool(factors)))
            # LoRA's rule holds for flags read from a file, too, where a frozen
            # layer says nothing about what it froze when it was open.
            fixed = kept | {id(base) for base in compat.lora_bases(layer)}
            weights += [
                (
                    weight,
                    id(weight) in factors
                    or (are_weights_open and id(weight) not in fixed),
                )
                for weight in compat.own_trainable_variables(layer)
            ]
    freeze_state.write(layers, weights)


def _flags(layer, is_open, batch_norm):
    """The flag of a layer, and that of its weights."""
    if not is_open or not isinstance(layer, keras.layers.BatchNormalization):
        return is_open, is_open
    # A frozen layer normalizes with its moving averages; the flags of its
    # variables decide by themselves whether gamma and beta train.
    return (
        batch_norm in ("full", "statistics"),
        batch_norm in ("full", "affine"),
    )
