"""The small convolutional network of the demo."""

import keras

from keras_transfer.cli.demo.digits import PICTURE_SIZE


def build_convnet() -> keras.Model:
    """Builds a network with random weights, from pictures to 128 features.

    A small VGG with BatchNormalization: two blocks of two convolutions with
    pooling, then a dense layer.
    """
    image = keras.Input((PICTURE_SIZE, PICTURE_SIZE, 1))
    x = image
    for block, filters in enumerate((32, 64), start=1):
        for number in (1, 2):
            name = f"block_{block}_{number}"
            x = keras.layers.Conv2D(
                filters, 3, padding="same", use_bias=False, name=f"{name}_conv"
            )(x)
            # The moving statistics settle within the demo's few steps.
            x = keras.layers.BatchNormalization(
                momentum=0.9, name=f"{name}_bn"
            )(x)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        x = keras.layers.MaxPooling2D(name=f"block_{block}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(128, activation="relu", name="features")(x)
    return keras.Model(image, x, name="digit_net")
