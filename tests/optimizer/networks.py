"""A small network of three stages, its data and ways to look at it."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_transfer as kt

BACKEND = keras.backend.backend()
tensorflow_only = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="about TensorFlow"
)
jax_only = pytest.mark.skipif(BACKEND != "jax", reason="about JAX")
# The torch backend of Keras reads tensors in NumPy 1's way.

IMAGES = np.random.default_rng(0).random((24, 6, 6, 3), dtype="float32")
LABELS = np.random.default_rng(1).integers(0, 2, 24)
LOSS = "sparse_categorical_crossentropy"

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(1e-2),
    "adamw": lambda: keras.optimizers.AdamW(1e-2, clipnorm=0.1),
    "momentum": lambda: keras.optimizers.SGD(1e-2, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(1e-2),
    "lion": lambda: keras.optimizers.Lion(1e-3),
}
PHASES = [
    ["head"],
    ["stage_2", "head"],
    ["stage_1", "stage_2", "head"],
    ["head"],
    ["stage_1", "head"],
]


def build_network(dropout=0.0, nested=True):
    """Two stages of convolution and BatchNormalization, and a head."""
    image = keras.Input((6, 6, 3))
    x = image
    for stage in (1, 2):
        x = keras.layers.Conv2D(3, 3, padding="same", name=f"conv_{stage}")(x)
        x = keras.layers.BatchNormalization(name=f"bn_{stage}")(x)
        x = keras.layers.ReLU(name=f"relu_{stage}")(x)
    backbone = keras.Model(image, x, name="backbone")
    inputs = keras.Input((6, 6, 3)) if nested else image
    x = backbone(inputs) if nested else x
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, seed=3, name="dropout")(x)
    x = keras.layers.Dense(2, activation="softmax", name="head")(x)
    return keras.Model(inputs, x, name="network")


def compiled(optimizer, **arguments):
    keras.utils.set_random_seed(0)
    model = build_network(dropout=arguments.pop("dropout", 0.0))
    model.compile(optimizer, loss=LOSS, **arguments)
    return model


def compiled_dense(optimizer):
    """Two dense layers, quickly traced."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh", name="hidden"),
            keras.layers.Dense(2, activation="softmax", name="head"),
        ]
    )
    model.compile(optimizer, loss=LOSS)
    return model


def opening(parts):
    """A function that opens the given parts of the network only."""
    layers = []
    for part in parts:
        number = part.removeprefix("stage_")
        layers += (
            ["head"]
            if part == "head"
            else [f"*/{n}_{number}" for n in ("conv", "bn")]
        )
    return lambda model: kt.set_trainable(model, layers)


def expected_changes(parts):
    """Names of weights that a step with these parts open must change."""
    names = set()
    for part in parts:
        if part == "head":
            names |= {"head/kernel", "head/bias"}
            continue
        number = part.removeprefix("stage_")
        names |= {f"conv_{number}/kernel", f"conv_{number}/bias"}
        names |= {
            f"bn_{number}/{name}"
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        }
    return names


def number(variable):
    return float(np.squeeze(ops.convert_to_numpy(variable)))


def values(model):
    return {
        "/".join(w.path.split("/")[-2:]): np.array(ops.convert_to_numpy(w))
        for w in model.weights
    }


def optimizer_values(optimizer):
    return [np.array(ops.convert_to_numpy(v)) for v in optimizer.variables]


def states(optimizer, variables):
    """The state of each weight, as one list of arrays; none if it has none."""
    found = []
    for variable in variables:
        cohort = optimizer.cohort_of(variable)
        if cohort is None:
            found.append([])
            continue
        state = cohort.read_state()
        slots = state.slots[
            next(i for i, v in enumerate(cohort.variables) if v is variable)
        ]
        found.append(
            [
                np.array(state.multiplier),
                *state.counters.values(),
                *slots.values(),
            ]
        )
    return found


def same_states(model, other):
    pairs = zip(
        states(model.optimizer, model.weights),
        states(other.optimizer, other.weights),
        strict=True,
    )
    return all(same(a, b) for a, b in pairs)


def changed(before, after):
    return {n for n in before if not np.array_equal(before[n], after[n])}


def same(some, others):
    return len(some) == len(others) and all(
        np.array_equal(a, b) for a, b in zip(some, others, strict=True)
    )


def same_weights(model, other):
    return same(list(values(model).values()), list(values(other).values()))


def train(model, epochs=1, callbacks=(), **arguments):
    return model.fit(
        IMAGES,
        LABELS,
        batch_size=8,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **arguments,
    )
