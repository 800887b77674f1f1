"""AlexNet in one column, as published and for larger images.

Local response normalization is left out: it has no weights, Keras has no layer
for it, and [later work](https://arxiv.org/abs/1409.1556) found no gain in it.
A stage is a convolution with the pooling that follows it.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing


def _build(input_shape):
    return _alexnet(
        "alexnet",
        input_shape,
        filters=(64, 192, 384, 256, 256),
        first_kernel=11,
        first_stride=4,
        zero_padding=2,
        last_pooling=3,
    )


def _build_compact(input_shape):
    return _alexnet(
        "alexnet_compact",
        input_shape,
        filters=(96, 256, 384, 384, 256),
        first_kernel=13,
        first_stride=3,
        zero_padding=3,
        last_pooling=2,
    )


def _alexnet(
    name,
    input_shape,
    filters,
    first_kernel,
    first_stride,
    zero_padding,
    last_pooling,
):
    import keras

    def convolve(x, number, kernel):
        return keras.layers.Conv2D(
            filters[number - 1],
            kernel,
            padding="same",
            activation="relu",
            name=f"conv_{number}",
        )(x)

    images = keras.Input(input_shape)
    x = keras.layers.ZeroPadding2D(zero_padding, name="pad_1")(images)
    x = keras.layers.Conv2D(
        filters[0], first_kernel, first_stride, activation="relu", name="conv_1"
    )(x)
    x = keras.layers.MaxPooling2D(3, 2, name="pool_1")(x)
    x = convolve(x, 2, 5)
    x = keras.layers.MaxPooling2D(3, 2, name="pool_2")(x)
    for number in (3, 4, 5):
        x = convolve(x, number, 3)
    x = keras.layers.MaxPooling2D(last_pooling, 2, name="pool_5")(x)
    return keras.Model(images, x, name=name)


_STAGES = (
    ("stage_1", "pool_1"),
    ("stage_2", "pool_2"),
    ("stage_3", "conv_3"),
    ("stage_4", "conv_4"),
    ("stage_5", "pool_5"),
)

AlexNet = BackboneSpec(
    _build,
    default_size=224,
    minimum_size=63,
    preprocessing=Preprocessing.of_mode("torch"),
    stages=_STAGES,
    license="code Apache-2.0; no weights",
    reference="https://arxiv.org/abs/1404.5997",
    description="AlexNet in one column",
)
# The input of 280 pixels, the wide first kernel with its small stride suit
# images with fine texture, such as those of a microscope.
AlexNetCompact = BackboneSpec(
    _build_compact,
    default_size=280,
    minimum_size=37,
    preprocessing=Preprocessing.of_mode("torch"),
    stages=_STAGES,
    license="code Apache-2.0; no weights",
    reference="https://arxiv.org/abs/1404.5997",
    description="AlexNet with a finer first stride, for small dense heads",
)
