"""Final operations and labels: right as NumPy says, or one sentence.

40 operations that a model may end in, each with eight kinds of labels.
"""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_transfer as kt

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
RNG = np.random.default_rng(1)
NUMBERS = np.arange(12) % 3
LABELS = {
    "numbers": NUMBERS,
    "one_hot": np.eye(3, dtype="float32")[NUMBERS],
    "soft": RNG.dirichlet([1, 1, 1], 12).astype("float32"),
    "multi_hot": np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]] * 4, "float32"),
    "binary": np.arange(12) % 2,
    "two_columns": np.eye(2, dtype="float32")[np.arange(12) % 2],
    "fractions": RNG.uniform(0.1, 0.9, 12).astype("float32"),
    "reals": RNG.normal(5, 3, size=(12, 3)).astype("float32"),
}
CLASSES = {
    "numbers": "sparse",
    "binary": "sparse",
    "one_hot": "rows",
    "soft": "rows",
}
ROWS = ("one_hot", "soft", "multi_hot")
# What each kind of output does with labels; the rest is refused.
TAKEN = {
    "softmax": CLASSES,
    "logits": CLASSES,
    "sigmoid": dict.fromkeys(ROWS, "labels"),
    "label logits": dict.fromkeys(ROWS, "labels"),
    "unit": {"binary": "unit", "fractions": "unit"},
    "logit": {"binary": "unit", "fractions": "unit"},
    "regression": dict.fromkeys((*ROWS, "reals"), "reals"),
    "number": dict.fromkeys(("numbers", "binary", "fractions"), "reals"),
    "refused": {},
}


class Own(layers.Layer):
    def call(self, inputs):
        return ops.softmax(inputs)


class Declared(Own):
    output_activation = "softmax"


class Tripled(layers.Dense):
    def call(self, inputs, training=None):
        return 3 * super().call(inputs, training)


def dense(activation=None, units=3):
    return lambda x: layers.Dense(units, activation)(x)


def after(*operations):
    """A function that calls operations one after the other."""

    def call(x):
        for operation in operations:
            x = operation(x)
        return x

    return call


def joined(layer, *branches):
    return lambda x: layer([branch(x) for branch in branches])


def nested(x):
    inner = keras.Input((4,))
    return keras.Model(inner, layers.Dense(3, "softmax")(inner))(x)


def by_hand(x):
    powers = ops.exp(layers.Dense(3)(x))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def head(units=3, **arguments):
    return kt.heads.LinearHead(units, **arguments)


SOFTMAX, SIGMOID = dense("softmax"), dense("sigmoid")
FINAL = {
    "dense softmax": (SOFTMAX, "softmax"),
    "ops.softmax": (after(dense(), ops.softmax), "softmax"),
    "activations": (after(dense(), keras.activations.softmax), "softmax"),
    "Softmax": (after(dense(), layers.Softmax()), "softmax"),
    "Activation": (after(dense(), layers.Activation("softmax")), "softmax"),
    "temperature": (after(dense(), lambda x: ops.softmax(x / 2)), "softmax"),
    "nested": (nested, "softmax"),
    "by hand": (by_hand, "softmax"),
    "function": (dense(lambda x: ops.softmax(x)), "softmax"),
    "declared": (after(dense(), Declared()), "softmax"),
    "reshaped": (
        after(dense(), layers.Reshape((1, 3)), ops.softmax, layers.Flatten()),
        "softmax",
    ),
    "sliced": (
        after(layers.Reshape((2, 2)), SOFTMAX, lambda x: x[:, 0]),
        "softmax",
    ),
    "transposed": (
        after(
            layers.Reshape((2, 2)),
            dense(),
            lambda x: ops.softmax(ops.transpose(x, (0, 2, 1)), axis=1)[..., 0],
        ),
        "softmax",
    ),
    "averaged": (joined(layers.Average(), SOFTMAX, SOFTMAX), "softmax"),
    "weighted": (
        joined(lambda p: 0.25 * p[0] + 0.75 * p[1], SOFTMAX, SOFTMAX),
        "softmax",
    ),
    "pooled": (
        after(layers.Reshape((2, 2)), SOFTMAX, layers.GlobalAveragePooling1D()),
        "softmax",
    ),
    "cast": (after(SOFTMAX, lambda x: ops.cast(x, "float32")), "softmax"),
    "dropped": (
        after(SOFTMAX, layers.Dropout(0.5), layers.Identity()),
        "softmax",
    ),
    "grades": (head(task="ordinal"), "softmax"),
    "head": (head(), "softmax"),
    "head logits": (head(activation=None), "logits"),
    "head labels": (head(task="multi_label"), "sigmoid"),
    "head label logits": (
        head(task="multi_label", activation=None),
        "label logits",
    ),
    "head numbers": (head(task="regression"), "regression"),
    "head number": (head(1, task="regression"), "number"),
    "head unit": (head(1), "unit"),
    "head logit": (head(1, activation=None), "logit"),
    "sigmoids": (SIGMOID, "sigmoid"),
    "ops.sigmoid": (after(dense(), ops.sigmoid), "sigmoid"),
    "concatenated": (
        joined(layers.Concatenate(), *[dense("sigmoid", 1)] * 3),
        "sigmoid",
    ),
    "one of two": (after(dense("softmax", 2), lambda x: x[:, 1:]), "unit"),
    "complement": (after(dense("sigmoid", 1), lambda x: 1 - x), "unit"),
    "linear": (dense(), "refused"),
    "relu": (dense("relu"), "refused"),
    "log_softmax": (after(dense(), ops.log_softmax), "refused"),
    "wrong axis": (after(dense(), lambda x: ops.softmax(x, axis=0)), "refused"),
    "sum": (joined(layers.Add(), SOFTMAX, SOFTMAX), "refused"),
    "rescaled": (after(SOFTMAX, layers.Rescaling(2.0)), "refused"),
    "own": (after(dense(), Own()), "refused"),
    "lambda": (
        after(dense(), layers.Lambda(ops.softmax, output_shape=(3,))),
        "refused",
    ),
    "tripled": (Tripled(3, "softmax"), "refused"),
    "one softmax": (dense("softmax", 1), "refused"),
}


def build(final):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    return keras.Model(x, final(x))


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def expected(way, form, outputs, y):
    """Loss and metrics by NumPy alone."""
    z = outputs.astype("float64")
    if way in ("sparse", "rows"):
        p = softmax(z) if form == "logits" else z / z.sum(-1, keepdims=True)
        rows = np.eye(3)[y] if way == "sparse" else y
        hits = p.argmax(-1) == rows.argmax(-1)
        loss = -(rows * np.log(p)).sum(-1).mean()
        return {"loss": loss, "accuracy": hits.mean()}
    if way == "reals":
        y = y.reshape(z.shape).astype("float64")
        residual = ((y - z) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)
        return {
            "loss": ((y - z) ** 2).mean(),
            "mae": abs(y - z).mean(),
            "r2_score": (1 - residual).mean(),
        }
    p = 1 / (1 + np.exp(-z)) if "logit" in form else z
    y = y.reshape(p.shape).astype("float64")
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    found = {"loss": loss, "accuracy": ((p > 0.5) == y).mean()}
    if way == "labels":
        chosen = p > 0.5
        hits, misses = (chosen * y).sum(0), (~chosen * y).sum(0)
        alarms = (chosen * (1 - y)).sum(0)
        f1 = 2 * hits / np.maximum(2 * hits + misses + alarms, 1e-9)
        found["f1"] = f1.mean()
        found["mean_average_precision"] = curve_area(p, y > 0)
    return found


def curve_area(p, y):
    """Davis and Goadrich's area under the curves, over 200 thresholds."""
    bounds = np.concatenate([[-1e-7], np.arange(1, 199) / 199, [1 + 1e-7]])
    over = p[None] > bounds[:, None, None]
    tp, fp = (over & y).sum(1), (over & ~y).sum(1)
    total = y.sum(0)
    p = tp + fp
    dtp, dp = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = np.where(dp > 0, dtp / np.maximum(dp, 1), 0.0)
    offset = tp[1:] - slope * p[1:]
    both = (p[:-1] > 0) & (p[1:] > 0)
    ratio = np.where(both, p[:-1] / np.maximum(p[1:], 1), 1.0)
    return (slope * (dtp + offset * np.log(ratio)) / total).sum(0).mean()


def check_sentence(error):
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize("name", FINAL)
def test_loss_and_metrics_are_right_or_one_sentence_says_why(name):
    final, form = FINAL[name]
    model = build(final)
    if form == "refused":
        with pytest.raises(ValueError, match="Pass (loss|task)=|always 1") as e:
            kt.compile_for_transfer(model)
        check_sentence(e)
        return
    outputs = keras.ops.convert_to_numpy(model(X))
    for kind, y in LABELS.items():
        way = TAKEN[form].get(kind)
        for one_hot in (False, True):
            kt.compile_for_transfer(model, one_hot=one_hot, run_eagerly=True)
            if (
                way is None
                or (way in ("sparse", "rows"))
                and (one_hot != (way == "rows"))
            ):
                with pytest.raises(ValueError) as e:
                    model.evaluate(X, y, verbose=0)
                check_sentence(e)
                continue
            found = model.evaluate(X, y, verbose=0, return_dict=True)
            wanted = expected(way, form, outputs, y)
            assert set(found) == set(wanted), kind
            for key, value in wanted.items():
                assert found[key] == pytest.approx(value, abs=1e-5, rel=1e-5), (
                    kind,
                    key,
                )


def test_there_are_forty():
    assert len(FINAL) >= 40
    assert len(LABELS) == 8
