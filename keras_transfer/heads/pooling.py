"""The poolings that a head may ask for by name."""

import keras

from keras_transfer.heads.arguments import check_choice
from keras_transfer.heads.generalized_mean_pooling import GeneralizedMeanPooling

POOLINGS = ("avg", "max", "flatten", "gem", "token", None)


def check_pooling(pooling: object) -> None:
    """Raises unless `pooling` is one of `POOLINGS`."""
    check_choice("pooling", pooling, POOLINGS)


def build_pooling(
    pooling: str | None, input_shape: tuple[int | None, ...], dtype=None
) -> keras.layers.Layer:
    """Makes the layer, named `pool`, that turns features into vectors.

    Args:
        pooling: `"avg"`, `"max"` or `"gem"` over positions, tokens in front
            of those of the image included; `"flatten"` to keep them all,
            `"token"` for the class token alone, which is the first, or `None`
            for features that are vectors already.
        input_shape: Shape of the features with the batch axis: rank 4
            (feature maps), 3 (tokens) or 2 (vectors, which stay as they are
            whatever `pooling` says but `"token"`).
        dtype: Dtype or policy of the layer. Defaults to Keras's own.

    Returns:
        A layer whose output has rank 2.

    Raises:
        TypeError: If `pooling` is not a string.
        ValueError: If `pooling` is unknown, if the rank is another, if
            features of rank 3 or 4 come with `pooling=None`, if
            `"flatten"` meets an unknown number of positions, or `"token"`
            features of another rank than 3.
    """
    check_pooling(pooling)
    check_feature_shape(input_shape)
    options = {"name": "pool", "dtype": dtype}
    rank = len(input_shape)
    if pooling == "token":
        if rank != 3:
            raise ValueError(
                "pooling='token' takes the first of the tokens in features of "
                "shape (batch, tokens, channels), but these have shape "
                f"{tuple(input_shape)}. Use pooling='avg'."
            )
        return ClassToken(**options)
    if rank == 2:
        return keras.layers.Identity(**options)
    if pooling is None:
        raise ValueError(
            "pooling=None expects features of shape (batch, channels), but "
            f"these have shape {tuple(input_shape)}. Give one of 'avg', 'max', "
            "'gem' or 'flatten'."
        )
    if pooling == "gem":
        return GeneralizedMeanPooling(**options)
    if pooling == "flatten":
        if None in input_shape[1:]:
            raise ValueError(
                "pooling='flatten' needs features of a known size, but these "
                f"have shape {tuple(input_shape)}. Give the backbone an "
                "input_shape, for example input_shape=(224, 224, 3), or use "
                "pooling='avg'."
            )
        return keras.layers.Flatten(**options)
    if pooling == "avg":
        if rank == 3:
            return keras.layers.GlobalAveragePooling1D(
                data_format="channels_last", **options
            )
        return keras.layers.GlobalAveragePooling2D(**options)
    if rank == 3:
        return keras.layers.GlobalMaxPooling1D(
            data_format="channels_last", **options
        )
    return keras.layers.GlobalMaxPooling2D(**options)


def check_feature_shape(input_shape: tuple[int | None, ...]) -> None:
    """Raises unless a head can read features of this shape.

    Args:
        input_shape: Shape of the features with the batch axis.

    Raises:
        ValueError: If the shape is not that of one tensor of rank 2, 3 or 4.
    """
    sizes = isinstance(input_shape, (list, tuple)) and all(
        size is None or isinstance(size, int) for size in input_shape
    )
    if not sizes or len(input_shape) not in (2, 3, 4):
        raise ValueError(
            "A head reads one tensor of features: (batch, height, width, "
            "channels), (batch, tokens, channels) or (batch, channels). "
            f"Received: input_shape={input_shape}."
        )


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="ClassToken"
)
class ClassToken(keras.layers.Layer):
    """Takes the first token, where ViT, BEiT and DINOv2 gather the image.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, tokens, channels)`.

    Output shape:
        `(batch, channels)`.

    Example:
    >>> import numpy as np
    >>> from keras_transfer.heads.pooling import ClassToken
    >>> tuple(ClassToken()(np.ones((2, 197, 64))).shape)
    (2, 64)

    Reference: [Dosovitskiy et al., 2020](https://arxiv.org/abs/2010.11929)
    """

    def call(self, inputs):
        return inputs[:, 0]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        # Keras derives none for layers that are given a dtype policy.
        return super().get_config()
