"""The auxiliary head: GoogLeNet's classifier of features from halfway up."""

import keras

from keras_transfer.heads.mlp import MLPHead
from keras_transfer.heads.pooling import check_feature_shape

_WINDOW = 5
_STRIDE = 3
_CHANNELS = 128


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="AuxiliaryHead"
)
class AuxiliaryHead(MLPHead):
    """Classifies the feature maps of a layer in the middle of a backbone.

    It gives that layer a gradient of its own in training; put it there with
    `with_auxiliary_heads`. Its layers are `average_pool` (5x5, stride 3),
    `projection` (a 1x1 convolution to 128 channels), `pool` (which flattens),
    `hidden_1`, `dropout_1` … and `predictions`.

    Args:
        num_classes: Number of outputs, as many as the main head has.
        hidden_units: Width of each hidden layer, first to last, a list or
            tuple. Defaults to one of 1024.
        dropout: Fraction of the features dropped in training after each
            hidden layer, in `[0, 1)`. Defaults to 0.7.
        activation: Name of the activation of the outputs, the same as that of
            the main head. `"auto"` is softmax for two or more classes, sigmoid
            for a single unit; `None` or `"linear"` gives logits. Defaults to
            `"auto"`.
        hidden_activation: Name of the activation of the projection and of the
            hidden layers. Defaults to `"relu"`.
        name: Name of the layer. Defaults to `"head"`.
        task: As for `LinearHead`. Defaults to `"classification"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)`, float, of known height and width:
        14x14 in GoogLeNet at 224 pixels. On maps smaller than the window the
        window is as large as the map.

    Output shape:
        `(batch, num_classes)`.

    Raises:
        TypeError: For an argument of the wrong type.
        ValueError: For an argument out of range; at build, for features that
            are not maps of a known size.

    Example:
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> head = kt.heads.AuxiliaryHead(num_classes=3)
    >>> tuple(head(np.ones((2, 14, 14, 512))).shape)
    (2, 3)

    Reference: [Szegedy et al., 2014](https://arxiv.org/abs/1409.4842)
    """

    def __init__(
        self,
        num_classes: int,
        hidden_units: tuple[int, ...] = (1024,),
        dropout: float = 0.7,
        activation: str | None = "auto",
        hidden_activation: str = "relu",
        name: str = "head",
        task: str = "classification",
        **kwargs,
    ):
        super().__init__(
            num_classes,
            hidden_units,
            pooling="flatten",
            dropout=dropout,
            activation=activation,
            hidden_activation=hidden_activation,
            name=name,
            task=task,
            **kwargs,
        )
        self.average_pool = None
        self.projection = keras.layers.Conv2D(
            _CHANNELS,
            1,
            activation=hidden_activation,
            dtype=self.dtype_policy,
            name="projection",
        )

    @property
    def steps(self) -> list[keras.layers.Layer]:
        """The layers that the features pass through, in order."""
        return [self.average_pool, self.projection, *super().steps]

    def build(self, input_shape):
        check_feature_shape(input_shape)
        size = tuple(input_shape[1:-1])
        if len(size) != 2 or None in size:
            raise ValueError(
                "An auxiliary head reads feature maps of a known size, (batch, "
                "height, width, channels). Received: input_shape="
                f"{tuple(input_shape)}. Give the backbone an input_shape, for "
                "example input_shape=(224, 224, 3), and tap a layer before "
                "any global pooling."
            )
        self.average_pool = keras.layers.AveragePooling2D(
            tuple(min(_WINDOW, length) for length in size),
            _STRIDE,
            dtype=self.dtype_policy,
            name="average_pool",
        )
        super().build(input_shape)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pooling", "input_dropout"):
            del config[fixed]  # It is not a choice here.
        return config
