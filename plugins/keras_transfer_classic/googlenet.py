"""GoogLeNet: nine inception modules.

Its two auxiliary classifiers are heads, for training alone:
`kt.with_auxiliary_heads` puts them after `inception_4a` and `inception_4d`.
Local response normalization is left out: it has no weights, Keras has no layer
for it, and [later work](https://arxiv.org/abs/1409.1556) found no gain in it.
A stage ends with the last layer of its resolution.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing

# Table 1 of the paper: filters of the 1x1 convolution, of the reductions with
# the 3x3 and the 5x5 convolutions after them, of the projected pooling.
_MODULES = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}


def _build(input_shape):
    import keras

    images = keras.Input(input_shape)
    x = _convolve(images, 64, 7, "conv_1", strides=2)
    x = keras.layers.MaxPooling2D(3, 2, "same", name="pool_1")(x)
    x = _convolve(x, 64, 1, "conv_2_reduce")
    x = _convolve(x, 192, 3, "conv_2")
    x = keras.layers.MaxPooling2D(3, 2, "same", name="pool_2")(x)
    for module, filters in _MODULES.items():
        if module in ("4a", "5a"):
            number = int(module[0]) - 1
            x = keras.layers.MaxPooling2D(3, 2, "same", name=f"pool_{number}")(
                x
            )
        x = _inception(x, f"inception_{module}", *filters)
    return keras.Model(images, x, name="googlenet")


def _inception(x, name, direct, three, five, projection):
    import keras

    pooled = keras.layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x)
    reduced_3x3 = _convolve(x, three[0], 1, f"{name}_3x3_reduce")
    reduced_5x5 = _convolve(x, five[0], 1, f"{name}_5x5_reduce")
    return keras.layers.Concatenate(name=name)(
        [
            _convolve(x, direct, 1, f"{name}_1x1"),
            _convolve(reduced_3x3, three[1], 3, f"{name}_3x3"),
            _convolve(reduced_5x5, five[1], 5, f"{name}_5x5"),
            _convolve(pooled, projection, 1, f"{name}_pool_projection"),
        ]
    )


def _convolve(x, filters, kernel, name, strides=1):
    import keras

    return keras.layers.Conv2D(
        filters, kernel, strides, "same", activation="relu", name=name
    )(x)


GoogLeNet = BackboneSpec(
    _build,
    default_size=224,
    minimum_size=32,
    preprocessing=Preprocessing.of_mode("torch"),
    stages=(
        ("stem", "conv_1"),
        ("stage_1", "conv_2"),
        ("stage_2", "inception_3b"),
        ("stage_3", "inception_4e"),
        ("stage_4", "inception_5b"),
    ),
    license="code Apache-2.0; no weights",
    reference="https://arxiv.org/abs/1409.4842",
    description="Inception, first version, 22 layers deep",
)
