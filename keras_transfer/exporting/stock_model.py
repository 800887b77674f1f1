"""The same model made of stock Keras layers alone."""

import re
import warnings

import keras

from keras_transfer import compat
from keras_transfer.exporting import composites
from keras_transfer.exporting import layer_copies
from keras_transfer.exporting.trial import all_outputs_of
from keras_transfer.exporting.trial import largest_difference
from keras_transfer.exporting.trial import trial_images
from keras_transfer.structure.output_records import output_names

TOLERANCE = 1e-6
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")


def to_stock(model: keras.Model) -> keras.Model:
    """Rebuilds a model from stock Keras layers and operations.

    The result can be saved and loaded with plain Keras where keras_transfer is
    not installed. Nested models are flattened, heads are replaced by their
    layers (`head_pool`, `head_predictions`), and auxiliary heads and the
    `ModelInfo` layer are left out. Weights that belong directly to a plugin's
    layer or to generalized mean pooling become constants, which no longer
    train.

    Args:
        model: A Functional or Sequential model with one input.

    Returns:
        A Functional `keras.Model` with its own copies of the weights, not
        compiled, with the same outputs as `model`; several are a dictionary
        by their names. Layers that cannot be
        replaced are kept; a warning names them.

    Raises:
        ValueError: If the model has no graph or several inputs, or if the
            outputs of the result differ.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "mobilenet", weights=None, input_shape=(32, 32, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> [layer.name for layer in kt.to_stock(model).layers[-3:]]
    ['head_pool', 'head_dropout', 'head_predictions']
    """
    check_exportable(model)
    expansion = composites.Expansion()
    stock = layer_copies.replay(
        model, layer_copies.faithful, look_inside=expansion
    )
    foreign = foreign_layers(stock)
    if foreign:
        warnings.warn(_about(foreign, expansion.refused), stacklevel=2)
    images = trial_images(model)[:2]
    stock = with_named_outputs(stock, model)
    named = with_named_outputs(model, model)
    outputs = (all_outputs_of(each, images) for each in (named, stock))
    pairs = zip(*outputs, strict=True)
    difference = max(largest_difference(*pair) for pair in pairs)
    if not difference <= TOLERANCE:
        raise ValueError(
            f"The stock model of {model.name!r} differs from it by "
            f"{difference:.3g}; expected at most {TOLERANCE:g}. One of its "
            "layers computes something else when it is taken apart"
            f"{_suspects(model)}: save the model with `kt.save_model`."
        )
    return stock


def check_exportable(model: keras.Model) -> None:
    """Raises unless a model has a graph from one input to named outputs.

    Args:
        model: The model to check.

    Raises:
        TypeError: If it is not a Keras model.
        ValueError: If it has no graph, several inputs, or an output whose name
            not every format can hold.
    """
    check_graph(model)
    if len(model.inputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs. Expected one input."
        )
    names = output_names(model)
    taken = [model.inputs[0].name]
    for name in names if len(names) > 1 else ():
        if name in taken or not _NAME.fullmatch(name):
            raise ValueError(
                f"The model {model.name!r} has the outputs {names}. Expected "
                "names of letters, digits and underscores, a letter first, "
                f"that differ from each other and from {taken[0]!r}, the "
                f"input. Received: {name!r}."
            )
        taken.append(name)


def with_named_outputs(graph: keras.Model, model: keras.Model) -> keras.Model:
    """Returns a graph that returns several outputs by their names.

    Args:
        graph: A copy of the model whose outputs are in the same order.
        model: The model whose outputs have the names.
    """
    names = output_names(model)
    if len(names) == 1:
        return graph
    named = dict(zip(names, graph.outputs, strict=True))
    return keras.Model(graph.inputs[0], named, name=graph.name)


def check_graph(model: keras.Model) -> None:
    """Raises unless a model has a graph.

    Args:
        model: The model to check.

    Raises:
        TypeError: If it is not a Keras model.
        ValueError: If it has no graph.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a keras.Model. Received: "
            f"{model!r} of type {type(model).__name__}."
        )
    if not compat.is_graph(model):
        raise ValueError(
            f"The model {model.name!r} has no graph. Expected a Functional "
            "model or a Sequential one that was built with an input shape; "
            "a subclassed model must be rewritten as one, as `build_model` "
            "makes."
        )


def foreign_layers(model: keras.Model) -> dict[str, str]:
    """Maps names of layers that are not Keras's own to their classes.

    Args:
        model: A Functional model.
    """
    return {
        operation.name: type(operation).__name__
        for operation in model.operations
        if not composites.is_stock(operation)
    }


def _about(foreign, refused):
    classes = sorted(set(foreign.values()))
    reasons = [
        f"{kind}: {refused[kind]}" for kind in classes if kind in refused
    ]
    return (
        f"The layers {sorted(foreign)} stay of the classes {classes}: a file "
        "of this model loads only where these are installed. They cannot be "
        f"replaced by stock layers ({'; '.join(reasons) or 'code'}). Export "
        "to 'onnx' or 'tf_saved_model' to avoid this dependency."
    )


def _suspects(model):
    kinds = {
        type(layer).__name__
        for layer in compat.sublayers(model)
        if not composites.is_stock(layer) and not compat.is_graph(layer)
    }
    return f" ({', '.join(sorted(kinds))})" if kinds else ""
