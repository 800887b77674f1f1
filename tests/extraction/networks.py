"""Small networks of every shape, each with what its layers must return.

The references call the layers one by one, so they know nothing of graphs.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers


@dataclasses.dataclass
class Case:
    """A model, a batch for it, and the activations that it must have."""

    model: keras.Model
    data: Any
    expected: dict[str, Any]
    config: str = ""
    outputs: Any = None


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numpy(value):
    return keras.ops.convert_to_numpy(value)


def encoder(name="encoder", size=8):
    """Convolution-free and quick: `c1`, then BatchNormalization, then `c2`."""
    features = keras.Input((size,))
    x = layers.Dense(5, activation="relu", name="c1")(features)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    return keras.Model(features, layers.Dense(4, name="c2")(x), name=name)


def run(model, x, upto=None):
    """Calls the layers of a chain in order, up to one of them."""
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        x = layer(x)
        if layer.name == upto:
            break
    return x


def functional_in_sequential():
    inner = encoder()
    model = keras.Sequential(
        [keras.Input((8,)), inner, layers.Dense(3, name="out")]
    )
    x = random(2, 8)
    return Case(
        model,
        x,
        {
            "encoder/c1": run(inner, x, "c1"),
            "encoder": run(inner, x),
            "out": model.get_layer("out")(run(inner, x)),
        },
    )


def functional_in_functional():
    inner = encoder()
    features = keras.Input((8,))
    outputs = layers.Dense(3, name="out")(inner(features, training=False))
    x = random(2, 8)
    return Case(
        keras.Model(features, outputs),
        x,
        {"encoder/bn": run(inner, x, "bn"), "c2": run(inner, x)},
    )


def four_levels():
    deepest = encoder("deepest")
    third = keras.Sequential(
        [keras.Input((8,)), deepest, layers.Dense(6, name="d3")], name="third"
    )
    features = keras.Input((8,))
    second = keras.Model(
        features, layers.Dense(5, name="d2")(third(features)), name="second"
    )
    model = keras.Sequential(
        [keras.Input((8,)), second, layers.Dense(2, name="d1")]
    )
    x = random(2, 8)
    d3 = third.get_layer("d3")(run(deepest, x))
    return Case(
        model,
        x,
        {
            "second/third/deepest/c1": run(deepest, x, "c1"),
            "second/third/deepest": run(deepest, x),
            "second/third/d3": d3,
            "second/d2": second.get_layer("d2")(d3),
        },
    )


def shared_layer():
    features = keras.Input((8,))
    shared = layers.Dense(8, activation="tanh", name="d")
    outputs = layers.Dense(2, name="out")(shared(shared(features)))
    x = random(2, 8)
    return Case(
        keras.Model(features, outputs),
        x,
        {"d": shared(x), "d:1": shared(shared(x))},
    )


def siamese():
    inner = encoder()
    left, right = (
        keras.Input((8,), name="left"),
        keras.Input((8,), name="right"),
    )
    merged = layers.Subtract(name="sub")([inner(left), inner(right)])
    model = keras.Model([left, right], layers.Dense(1, name="out")(merged))
    x, y = random(2, 8), random(2, 8, seed=1)
    difference = run(inner, x) - run(inner, y)
    return Case(
        model,
        [x, y],
        {
            "encoder/c1": run(inner, x, "c1"),
            "encoder:1/c1": run(inner, y, "c1"),
            "encoder:1": run(inner, y),
            "out": model.get_layer("out")(difference),
        },
    )


def two_equally_named_insides():
    first, second = encoder("first"), encoder("second")
    features = keras.Input((8,))
    merged = layers.Add(name="add")([first(features), second(features)])
    x = random(2, 8)
    return Case(
        keras.Model(features, merged),
        x,
        {
            "first/c1": run(first, x, "c1"),
            "second/c1": run(second, x, "c1"),
            "add": run(first, x) + run(second, x),
        },
    )


def dictionary_and_plain_operations():
    inner = encoder()
    inputs = {
        "a": keras.Input((8,), name="a"),
        "b": keras.Input((8,), name="b"),
    }
    x = inner(inputs["a"]) * 2.0 + keras.ops.mean(
        inputs["b"], -1, keepdims=True
    )
    x = keras.ops.relu(x)
    relu = x  # An operation without a name of its own.
    model = keras.Model(inputs, layers.Dense(2, name="out")(x))
    a, b = random(2, 8), random(2, 8, seed=1)
    expected = keras.ops.relu(
        run(inner, a) * 2.0 + keras.ops.mean(b, -1, keepdims=True)
    )
    name = next(
        operation.name
        for operation in model.operations
        if operation.name.startswith("relu")
    )
    del relu
    return Case(
        model,
        {"a": a, "b": b},
        {name: expected, "encoder/c1": run(inner, a, "c1")},
    )


def nested_model_with_several_inputs_and_outputs():
    a, b = keras.Input((8,), name="a"), keras.Input((4,), name="b")
    first = layers.Dense(4, name="first")
    second = layers.Dense(3, name="second")
    h = first(a)
    inner = keras.Model(
        [a, b], [second(layers.Add(name="add")([h, b])), h], name="inner"
    )
    x, y = keras.Input((8,), name="x"), keras.Input((4,), name="y")
    # By name, in another order than that of the nested model's inputs.
    outputs = inner({"b": y, "a": x})
    out = layers.Dense(2, name="out")
    model = keras.Model([x, y], out(outputs[0]))
    u, v = random(2, 8), random(2, 4, seed=1)
    return Case(
        model,
        [u, v],
        {
            "inner/first": first(u),
            "inner/add": first(u) + v,
            "inner[1]": first(u),
            "out": out(second(first(u) + v)),
        },
    )


@keras.saving.register_keras_serializable("tests")
class HubStyleBackbone(keras.Model):
    """A Functional model with a class of its own."""

    def __init__(self, width, **kwargs):
        features = keras.Input((8,))
        x = layers.Dense(width, activation="relu", name="c1")(features)
        super().__init__(features, layers.Dense(4, name="c2")(x), **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def functional_subclass():
    inner = HubStyleBackbone(6, name="hub")
    features = keras.Input((8,))
    model = keras.Model(features, layers.Dense(2, name="out")(inner(features)))
    x = random(2, 8)
    return Case(model, x, {"hub/c1": run(inner, x, "c1"), "hub": run(inner, x)})


def mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return functional_in_functional()
    finally:
        keras.config.set_dtype_policy(before)


def sequential_built_by_shape():
    model = keras.Sequential(
        [layers.Dense(5, name="a"), layers.Dense(2, name="b")]
    )
    model.build((None, 8))
    x = random(2, 8)
    return Case(model, x, {"a": model.get_layer("a")(x), "b": run(model, x)})


def sequential_built_by_a_call():
    inner = keras.Sequential(
        [layers.Dense(5, name="a"), layers.Dense(2, name="b")]
    )
    features = keras.Input((8,))
    model = keras.Model(features, inner(features))
    x = random(2, 8)
    return Case(
        model,
        x,
        {f"{inner.name}/a": inner.get_layer("a")(x), "b": run(inner, x)},
    )


def attention_scores():
    tokens = keras.Input((5, 8))
    attention = layers.MultiHeadAttention(2, 4, name="attention")
    values, scores = attention(tokens, tokens, return_attention_scores=True)
    inner = keras.Model(tokens, values, name="inner")
    outer = keras.Input((5, 8))
    model = keras.Model(outer, layers.Dense(2, name="out")(inner(outer)))
    x = random(2, 5, 8)
    values, scores = attention(x, x, return_attention_scores=True)
    return Case(
        model,
        x,
        {"inner/attention[0]": values, "inner/attention[1]": scores},
    )


def masked_sequence():
    embedding = layers.Embedding(10, 4, mask_zero=True, name="embedding")
    lstm = layers.LSTM(3, name="lstm")
    words = keras.Input((6,), dtype="int32")
    inner = keras.Model(words, lstm(embedding(words)), name="inner")
    outer = keras.Input((6,), dtype="int32")
    model = keras.Model(outer, layers.Dense(2, name="out")(inner(outer)))
    x = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 9]], "int32")
    # Without the mask the first row would go on through three more steps.
    short = lstm(embedding(x[:1, :3]))
    long = lstm(embedding(x[1:]))
    return Case(model, x, {"inner/lstm": keras.ops.concatenate([short, long])})


CASES = [
    functional_in_sequential,
    functional_in_functional,
    four_levels,
    shared_layer,
    siamese,
    two_equally_named_insides,
    dictionary_and_plain_operations,
    nested_model_with_several_inputs_and_outputs,
    functional_subclass,
    mixed_precision,
    sequential_built_by_shape,
    sequential_built_by_a_call,
    attention_scores,
    masked_sequence,
]
