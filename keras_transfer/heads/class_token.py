"""The class token of a transformer, taken as the feature of its image."""

import keras


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
    >>> from keras_transfer.heads.class_token import ClassToken
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
