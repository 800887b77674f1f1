"""The way from a model to one that also trains auxiliary heads."""

from collections.abc import Mapping

import keras

from keras_transfer import compat
from keras_transfer import names
from keras_transfer.checks.outputs import output_activation
from keras_transfer.heads.arguments import check_positive_number
from keras_transfer.heads.auxiliary.branch import AuxiliaryBranch
from keras_transfer.heads.auxiliary.model import AuxiliaryModel
from keras_transfer.structure import anatomy
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import own_calls
from keras_transfer.structure.replay import pack_inputs
from keras_transfer.structure.replay import rewire


def with_auxiliary_heads(
    model: keras.Model,
    heads: Mapping[str, keras.layers.Layer],
    *,
    weight: float = 0.3,
) -> AuxiliaryModel:
    """Returns a model that trains further heads from halfway up its backbone.

    They bring gradients to the lower layers of a deep network without batch
    normalization. They act in `fit` alone: `predict`, `evaluate`, a plain call
    and an export know only the main output. `without_auxiliary_heads` returns
    the model for production.

    Args:
        model: A classifier with one output, as `build_model` makes it. It is
            left as it is, but its weights are shared.
        heads: Maps a layer or a stage of the backbone to the head that reads
            its output, such as a `heads.AuxiliaryHead`, with the number of
            classes and the activation of the main head.
        weight: What the loss of each of these heads counts beside the main
            loss, above 0. Defaults to 0.3.

    Returns:
        An `AuxiliaryModel`, not compiled. Compile it and train it like the
        model itself, with labels for one output. `freeze` and schedules count
        its layer `auxiliary_heads` as a part of the head; to `set_trainable`
        it is a part of its own.

    Raises:
        TypeError: If the model is not Functional or `heads` is no mapping of
            names to layers.
        ValueError: For an unknown layer, or heads that do not fit the model.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "googlenet", weights=None, input_shape=(64, 64, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2, dropout=0.4))
    >>> training = kt.with_auxiliary_heads(model, {
    ...     "inception_4a": kt.heads.AuxiliaryHead(2),
    ...     "inception_4d": kt.heads.AuxiliaryHead(2)})
    >>> training.output_shape
    (None, 2)

    Reference: [Szegedy et al., 2014](https://arxiv.org/abs/1409.4842)
    """
    _check_model(model)
    _check_heads(model, heads)
    check_positive_number("weight", weight)
    whole = anatomy.dissect(model)
    around = _calls_around(model, whole)
    wanted = [Ref(around, _features(whole, tap)) for tap in heads]
    output = Ref((), model.outputs[0])
    rewired = rewire(model, [output, *wanted])
    outputs = AuxiliaryBranch(dict(heads), weight)(rewired.outputs)
    inputs = pack_inputs(model, rewired.inputs)
    return AuxiliaryModel(inputs, outputs, name=model.name)


def _calls_around(model, whole):
    """The call of the backbone, if it is nested in the model."""
    if not whole.path:
        return ()
    calls = [c for c in own_calls(model) if c.operation is whole.backbone]
    if len(calls) != 1:
        raise ValueError(
            f"The model {model.name!r} calls {whole.backbone.name!r} "
            f"{len(calls)} times. Expected a model that calls its backbone "
            "once, such as one from `build_model`."
        )
    return (calls[0].node,)


def _features(whole, tap):
    """The output of a layer or a stage of the backbone."""
    by_name = {c.operation.name: c for c in own_calls(whole.backbone)}
    ends = {stage.name: stage.last_layer for stage in whole.stages}
    layer = ends.get(tap, tap)
    if layer not in by_name:
        raise ValueError(
            f"Cannot put an auxiliary head after {tap!r} of "
            f"{whole.backbone.name!r}: expected one of its stages "
            f"{list(ends)} or the name of a layer."
            + names.did_you_mean(str(tap), [*ends, *by_name])
        )
    return by_name[layer].outputs[0].spec


def _check_model(model):
    is_functional = compat.is_graph(model) and not isinstance(
        model, keras.Sequential
    )
    if not is_functional:
        raise TypeError(
            "`model` must be a Functional keras.Model, such as `build_model` "
            f"makes. Received: {model!r} of type {type(model).__name__}."
        )
    if len(model.outputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.outputs)} outputs. "
            "Expected one: auxiliary heads learn the labels of the output."
        )
    if any(isinstance(layer, AuxiliaryBranch) for layer in model.layers):
        raise ValueError(
            f"The model {model.name!r} has auxiliary heads already. Expected a "
            "model without them: `without_auxiliary_heads(model)`."
        )


def _check_heads(model, heads):
    if not isinstance(heads, Mapping) or not all(
        isinstance(head, keras.layers.Layer) for head in heads.values()
    ):
        raise TypeError(
            "`heads` must map layers of the backbone to heads, such as "
            "{'inception_4a': kt.heads.AuxiliaryHead(2)}. Received: "
            f"heads={heads!r}."
        )
    if not heads:
        raise ValueError(
            "`heads` must hold at least one head, such as {'inception_4a': "
            "kt.heads.AuxiliaryHead(2)}. Received: heads={}."
        )
    if len({id(head) for head in heads.values()}) < len(heads):
        raise ValueError(
            "Each layer needs a head of its own. Received one head for several "
            f"of {list(heads)}."
        )
    units, activation = model.output_shape[-1], output_activation(model)
    for tap, head in heads.items():
        # What another head does not tell is found out by the loss.
        received = getattr(head, "num_classes", units)
        if received != units:
            raise ValueError(
                f"The auxiliary head of {tap!r} has num_classes={received}, "
                f"but the model {model.name!r} has {units} outputs. Expected "
                f"num_classes={units}."
            )
        received = getattr(head, "output_activation", activation)
        if received != activation:
            raise ValueError(
                f"The auxiliary head of {tap!r} ends in {received!r}, but the "
                f"model {model.name!r} in {activation!r}. Expected the same, "
                "since both learn by the same loss: give both heads the same "
                "`activation`."
            )
