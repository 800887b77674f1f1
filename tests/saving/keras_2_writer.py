"""Writes models with Keras 2, in a process of its own.

    python tests/saving/keras_2_writer.py FOLDER NAME...

Each name makes `NAME.h5` or `NAME.keras`, and `NAME.npz` with inputs and what
Keras 2 computes of them.
"""

import os
import pathlib
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tf_keras as keras

layers = keras.layers
applications = keras.applications
SIZE = 32
APPLICATIONS = {
    "mobilenet": (applications.MobileNet, {"alpha": 0.25}),
    "mobilenet_v2": (applications.MobileNetV2, {"alpha": 0.35}),
    "mobilenet_v3": (applications.MobileNetV3Small, {}),
    "efficientnet": (applications.EfficientNetB0, {}),
    "efficientnet_v2": (applications.EfficientNetV2B0, {}),
    "resnet50": (applications.ResNet50, {}),
    "resnet50_v2": (applications.ResNet50V2, {}),
    "densenet": (applications.DenseNet121, {}),
    "inception": (applications.InceptionV3, {}),
    "xception": (applications.Xception, {}),
    "vgg16": (applications.VGG16, {}),
    "convnext": (applications.ConvNeXtTiny, {}),
    "nasnet": (applications.NASNetMobile, {}),
    "regnet": (applications.RegNetX002, {}),
}


def backbone(name="mobilenet_v2"):
    make, options = APPLICATIONS[name]
    size = 96 if name in ("inception", "xception", "nasnet") else SIZE
    return make(
        weights=None,
        include_top=False,
        input_shape=(size, size, 3),
        **options,
    )


def nested(name):
    base = backbone(name)
    base.trainable = False
    image = keras.Input(base.input_shape[1:])
    x = base(image, training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "categorical_crossentropy")
    return model


def flat():
    base = backbone()
    x = layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, layers.Dense(3, activation="softmax")(x))


def sequential():
    return keras.Sequential(
        [backbone(), layers.Flatten(), layers.Dense(4), layers.Dense(3)]
    )


def teachable(units=3):
    """As Teachable Machine builds it."""
    features = keras.Sequential([backbone(), layers.GlobalAveragePooling2D()])
    head = keras.Sequential(
        [
            layers.Dense(10, activation="relu", input_shape=(1280,)),
            layers.Dense(units, use_bias=False, activation="softmax"),
        ]
    )
    return keras.Sequential([features, head])


def tutorial():
    """As TensorFlow's tutorial on transfer learning builds it."""
    image = keras.Input((SIZE, SIZE, 3))
    augment = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)]
    x = keras.Sequential(augment)(image)
    x = applications.mobilenet_v2.preprocess_input(x)
    x = backbone()(x, training=False)
    return keras.Model(
        image, layers.Dense(1)(layers.GlobalAveragePooling2D()(x))
    )


def caffe():
    image = keras.Input((SIZE, SIZE, 3))
    x = applications.vgg16.preprocess_input(image)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))
    return keras.Model(image, layers.Dense(2)(x))


def shared():
    """A nested model called twice, and two outputs."""
    inputs = [keras.Input((8, 8, 3), name=name) for name in "ab"]
    image = keras.Input((8, 8, 3))
    tiny = keras.Model(image, layers.Conv2D(4, 3)(image), name="tiny")
    pool = layers.GlobalAveragePooling2D()
    x = layers.Subtract()([pool(tiny(each)) for each in inputs])
    return keras.Model(inputs, [layers.Dense(2)(x), layers.Dense(1)(x)])


def dictionary():
    image = keras.Input((8, 8, 3))
    inner = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3)(inner)
    two = keras.Model(inner, [first, layers.Conv2D(4, 3)(first)], name="two")
    a, b = two(image)
    pool = layers.GlobalAveragePooling2D()
    return keras.Model(image, {"u": pool(a), "v": pool(b)})


def convolutions():
    image = keras.Input((8, 8, 3))
    x = layers.PReLU(shared_axes=[1, 2])(image)
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.SeparableConv2D(4, 3)(x)
    x = layers.Conv2DTranspose(4, 3, strides=2)(x)
    x = layers.Conv2D(4, 1, groups=2)(x)
    x = layers.GroupNormalization(2)(layers.UnitNormalization()(x))
    return keras.Model(image, layers.GlobalMaxPooling2D()(x))


def recurrent():
    x = sequence = keras.Input((6, 8))
    x = layers.GRU(4, return_sequences=True)(x)
    x = layers.MultiHeadAttention(2, 3)(x, value=x)
    return keras.Model(sequence, layers.Bidirectional(layers.LSTM(4))(x))


def functions():
    image = keras.Input((8, 8, 3))
    x = tf.nn.relu(1.0 - layers.Conv2D(4, 3)(image)) * 2.0
    x = tf.concat([x, x / 3.0], axis=-1)[:, 1:, ::2]
    x = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [-1, 8, 15])
    x = tf.reduce_mean(tf.clip_by_value(x, 0.1, 1.5), -1, keepdims=True)
    return keras.Model(image, tf.squeeze(x, -1))


MODELS = {
    "flat": flat,
    "sequential": sequential,
    "teachable": teachable,
    "tutorial": tutorial,
    "caffe": caffe,
    "shared": shared,
    "dictionary": dictionary,
    "convolutions": convolutions,
    "recurrent": recurrent,
    "functions": functions,
}


def fill(model, generator):
    """Gives statistics and biases values that show where they went."""
    for weight in model.weights:
        noise = generator.standard_normal(weight.shape).astype("float32")
        if "variance" in weight.name:
            weight.assign(1 + 0.1 * np.abs(noise))
        elif len(weight.shape) == 1:
            weight.assign(weight + 0.1 * noise)


def main():
    folder, *names = sys.argv[1:]
    for name in names:
        kind, _, suffix = name.rpartition(".")
        keras.utils.set_random_seed(0)
        model = MODELS[kind]() if kind in MODELS else nested(kind)
        generator = np.random.default_rng(0)
        fill(model, generator)
        x = [generator.uniform(0, 1, (2, *i.shape[1:])) for i in model.inputs]
        y = tf.nest.flatten(model(x if len(x) > 1 else x[0], training=False))
        path = pathlib.Path(folder, name)
        model.save(path)
        np.savez(
            path.with_suffix(".npz"),
            **{f"x{i}": value for i, value in enumerate(x)},
            **{f"y{i}": value.numpy() for i, value in enumerate(y)},
        )


if __name__ == "__main__":
    main()
