"""Where a transformer's attention comes from, layer upon layer."""

from typing import Any

import keras
import numpy as np

from keras_transfer.checks import model_images
from keras_transfer.explaining.differentiation import without_gradients
from keras_transfer.explaining.graph import compute
from keras_transfer.explaining.graph import graph_model
from keras_transfer.explaining.pictures.maps import resized
from keras_transfer.explaining.question import image_size_of
from keras_transfer.structure.graph import flatten
from keras_transfer.structure.replay import leading
from keras_transfer.structure.token_grid import grid_of


def attention_rollout(
    model: keras.Model, images: Any, *, upsample: bool = True
) -> np.ndarray:
    """Shows which parts of an image a vision transformer attends to.

    The attention of all layers is multiplied through, with the shortcut around
    each of them; it is the same for all classes. Attention must be over all
    tokens of the image: windows and channel groups have no rollout, and
    `layer_cam` explains such networks.

    Args:
        model: A model whose graph holds `keras.layers.MultiHeadAttention`, or
            a softmax over `(batch, heads, tokens, tokens)`.
        images: As for `grad_cam`; one input alone.
        upsample: Whether maps are as large as the image, or one value for
            each token. Defaults to `True`.

    Returns:
        Array of shape `(batch, height, width)`. Where there is a class token,
        what it attends to; otherwise what the tokens attend to on average.

    Raises:
        ValueError: If no attention over all tokens can be had from the model,
            or the images do not fit it.
        TypeError: If `model` is no Keras model.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((16, 16, 3))
    >>> x = keras.layers.Conv2D(8, 4, strides=4)(image)
    >>> x = keras.layers.Reshape((16, 8))(x)
    >>> x = x + keras.layers.MultiHeadAttention(2, 4)(x, x)
    >>> x = keras.layers.GlobalAveragePooling1D()(x)
    >>> model = keras.Model(image, keras.layers.Dense(2)(x))
    >>> pixels = np.random.default_rng(0).uniform(0, 255, (16, 16, 3))
    >>> kt.attention_rollout(model, pixels, upsample=False).shape
    (1, 4, 4)

    Reference: [Abnar and Zuidema, 2020](https://arxiv.org/abs/2005.00928)
    """
    model = graph_model(model)
    inputs = model_images.as_inputs(model, images)
    size = image_size_of(inputs)
    found = _attention(model, inputs)
    scores = [one for one, _ in found]
    grids = [_grid(model, one, refs, inputs, size) for one, refs in found]
    if not scores or None in grids:
        raise ValueError(_why_not(model, scores))
    tokens = {one.shape[-1] for one in scores}
    if len(tokens) > 1:
        raise ValueError(
            f"The layers of {model.name!r} attend over different numbers of "
            f"tokens, {sorted(tokens)}, and cannot be multiplied through."
        )
    mixed = _multiplied([one.mean(axis=1) for one in scores])
    grid = grids[0]
    first = grid.prefix_tokens
    # The first of the tokens in front is the class token.
    heat = mixed[:, 0, first:] if first else mixed.mean(axis=1)
    heat = heat.reshape(-1, grid.height, grid.width).astype("float32")
    return resized(heat, size) if upsample else heat


def _multiplied(layers):
    """Attention of the last layer to the image through all the others."""
    mixed = np.eye(layers[0].shape[-1])[None]
    for attention in layers:
        # Half of what a layer passes on comes past it by the shortcut.
        through = (attention + np.eye(attention.shape[-1])) / 2
        through /= through.sum(axis=-1, keepdims=True)
        mixed = through @ mixed
    return mixed


def _attention(model, inputs):
    """What every attention gives its tokens, and the tensors before it."""
    flat = flatten(model)
    found = []

    def watched(step):
        if isinstance(step.operation, keras.layers.MultiHeadAttention):
            return _with_scores(step, found)
        if _is_softmax(step.operation):
            return _kept(step, found)
        return step.operation

    with without_gradients():
        compute(flat, inputs, flat.outputs, around=watched)
    return [
        (
            np.asarray(keras.ops.convert_to_numpy(scores), "float64"),
            [r for s in leading(flat.steps, step.inputs) for r in s.outputs],
        )
        for step, scores in found
    ]


def _with_scores(step, found):
    def call(*args, **kwargs):
        wants_scores = kwargs.pop("return_attention_scores", False)
        attended, scores = step.operation(
            *args, **kwargs, return_attention_scores=True
        )
        found.append((step, scores))
        return (attended, scores) if wants_scores else attended

    return call


def _kept(step, found):
    def call(*args, **kwargs):
        result = step.operation(*args, **kwargs)
        if len(result.shape) >= 3:
            found.append((step, result))
        return result

    return call


def _is_softmax(operation):
    if isinstance(operation, keras.layers.Softmax):
        return True
    activation = getattr(operation, "activation", None)
    if isinstance(operation, keras.layers.Activation):
        return getattr(activation, "__name__", None) == "softmax"
    is_layer = isinstance(operation, keras.layers.Layer)
    return not is_layer and type(operation).__name__ == "Softmax"


def _grid(model, scores, refs, inputs, size):
    """The grid of the tokens that scores are of; `None` if of none."""
    number = scores.shape[-1]
    is_square = scores.ndim == 4 and scores.shape[-2] == number
    if not is_square or len(scores) != len(inputs[0]):
        return None
    tokens = [ref for ref in refs if len(ref.spec.shape) == 3]
    of_number = [r for r in tokens if r.spec.shape[1] in (None, number)]
    if tokens and not of_number:
        return None
    try:
        return grid_of(
            model,
            of_number[-1] if tokens else None,
            tokens=number,
            image_size=size,
        )
    except ValueError:
        return None


def _why_not(model, scores):
    if scores:
        shapes = sorted({one.shape[1:] for one in scores})
        return (
            f"The attention of {model.name!r} is not over all tokens of the "
            "image but over windows or channels, so there is no rollout. "
            f"Its scores have the shapes {shapes} for each image or window. "
            "`kt.layer_cam` explains such networks."
        )
    return (
        f"No attention scores can be had from {model.name!r}: its graph holds "
        "neither keras.layers.MultiHeadAttention nor a softmax over tokens, or "
        "hides them inside a layer of its own. `kt.layer_cam` explains such "
        "networks."
    )
