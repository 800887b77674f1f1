"""Small classifiers, flat or nested, with slow references beside them."""

import keras
import numpy as np

import keras_transfer as kt

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 12, 10, 3))
IMAGES = IMAGES.astype("float32")


def features(name="features"):
    """A backbone whose activations are smooth, for finite differences."""
    image = keras.Input((12, 10, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    x = keras.layers.Conv2D(4, 3, 2, "same", activation="tanh", name="a")(x)
    x = keras.layers.Conv2D(5, 3, activation="tanh", name="b")(x)
    return keras.Model(image, x, name=name)


def classify(x, units=3, activation="softmax"):
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(units, activation, name="out")(x)


def flat(units=3, activation="softmax"):
    backbone = features()
    return keras.Model(
        backbone.input, classify(backbone.output, units, activation)
    )


def nested(units=3, activation="softmax"):
    image = keras.Input((12, 10, 3))
    return keras.Model(image, classify(features()(image), units, activation))


def sequential(units=3, activation="softmax"):
    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            features(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(units, activation, name="out"),
        ]
    )


def deep(units=3, activation="softmax"):
    inner = sequential(units, activation)
    image = keras.Input((12, 10, 3))
    return keras.Model(image, keras.Sequential([inner])(image))


def separate_softmax(units=3, activation="softmax"):
    model = nested(units, None)
    if activation is None:
        return model
    outputs = keras.layers.Activation(activation)(model.output)
    return keras.Model(model.input, outputs)


def operation_softmax(units=3, activation="softmax"):
    model = nested(units, None)
    function = getattr(keras.ops, activation)
    return keras.Model(model.input, function(model.output))


def ours(units=3, activation="auto"):
    if activation == "softmax":
        activation = "auto"
    names = ("ant", "bee", "wasp")[: max(units, 2)]
    head = kt.heads.LinearHead(units, activation=activation)
    return kt.build_model(features(), head, class_names=names)


MODELS = {
    "flat": flat,
    "nested": nested,
    "sequential": sequential,
    "deep": deep,
    "separate": separate_softmax,
    "operation": operation_softmax,
    "ours": ours,
}


def find(model, name):
    """A layer anywhere inside a model."""
    layers = model._flatten_layers()
    return next(layer for layer in layers if layer.name == name)


def kernel(model):
    """The weights of the last dense layer."""
    try:
        dense = find(model, "out")
    except StopIteration:
        dense = find(model, "predictions")
    return keras.ops.convert_to_numpy(dense.kernel)


def run_layers(model, images, *names):
    """What convolutions `a` and `b` return, called by hand."""
    x = images / 127.5 - 1
    found = []
    for name in ("a", "b"):
        x = find(model, name)(x)
        found.append(keras.ops.convert_to_numpy(x))
    return dict(zip("ab", found, strict=True))


def numeric_gradient(function, x, epsilon):
    """Central differences of a function that gives one value for each row."""
    rows = []
    for row in x:
        shifts = epsilon * np.eye(row.size).reshape(-1, *row.shape)
        change = function(row + shifts) - function(row - shifts)
        rows.append(change.reshape(row.shape) / (2 * epsilon))
    return np.stack(rows)
