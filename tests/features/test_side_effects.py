"""What frozen layers do besides computing is found before training."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_transfer as kt

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)


class Centered(layers.Layer):
    """Subtracts the mean of the batch."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


class Neighbors(layers.Layer):
    """Adds the row before."""

    def call(self, inputs):
        return inputs + ops.roll(inputs, 1, axis=0)


class Sized(layers.Layer):
    """Looks at the size of the batch alone."""

    def call(self, inputs):
        return inputs / ops.cast(ops.shape(inputs)[0], "float32")


class AddsLoss(layers.Layer):
    def call(self, inputs):
        self.add_loss(ops.mean(ops.square(inputs)))
        return inputs


class AddsLossInTraining(layers.Layer):
    def call(self, inputs, training=None):
        if training:
            self.add_loss(ops.mean(inputs) * 0.25)
        return inputs


class Counts(layers.Layer):
    def build(self, shape):
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="calls"
        )

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs


class EveryThird(Counts):
    """Does something else at every third call."""

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return ops.where(ops.equal(self.calls % 3, 0), inputs * 2, inputs)


class CountsInPython(layers.Layer):
    calls = 0

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = 0

    def call(self, inputs):
        self.calls += 1
        return inputs


class Doubles(layers.Layer):
    """Does something else in training."""

    def call(self, inputs, training=None):
        return inputs * 2 if training else inputs


class Noise(layers.Layer):
    """Draws from no generator of its own."""

    def call(self, inputs, training=None):
        if not training:
            return inputs
        return inputs + keras.random.normal(ops.shape(inputs)) * 1e-6


class Rarely(layers.Layer):
    """Draws something that a few rows will hardly show."""

    def call(self, inputs):
        import tensorflow as tf

        return tf.nn.dropout(inputs, 1e-6)


class Draws(layers.Layer):
    def call(self, inputs):
        import tensorflow as tf

        drawn = tf.numpy_function(
            lambda: np.float32(np.random.normal()), [], "float32"
        )
        return inputs + tf.ensure_shape(drawn, [])


class Tracks(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.mean = keras.metrics.Mean(name="mean_activation")

    def call(self, inputs):
        self.mean.update_state(inputs)
        return inputs


def centered(x):
    return x - ops.mean(x, axis=0, keepdims=True)


REFUSED = {
    "batch mean": (Centered, "odd' looks at the whole batch"),
    "row before": (Neighbors, "odd' looks at the whole batch"),
    "batch size": (Sized, "odd' looks at the whole batch"),
    "added loss": (AddsLoss, "odd' adds a loss"),
    "added loss in training": (AddsLossInTraining, "odd' adds a loss"),
    "counter": (Counts, "odd' changes a variable in every step"),
    "every third": (EveryThird, "odd' changes a variable in every step"),
    "counter in Python": (CountsInPython, "odd' changes its 'calls'"),
    "training": (Doubles, "odd' computes something else in training"),
    "noise": (Noise, "odd' (changes a variable|draws random numbers)"),
    "rare noise": (Rarely, "odd' draws random numbers"),
    "Python": (Draws, "odd' runs Python code in every step"),
    "metric": (Tracks, "odd' updates a metric"),
    "activation of a batch": (
        lambda name: layers.Conv2D(3, 1, activation=centered, name=name),
        "odd' looks at the whole batch",
    ),
    "Lambda": (
        lambda name: layers.Lambda(centered, name=name),
        "odd' looks at the whole batch",
    ),
    "axis of the batch": (
        lambda name: layers.UnitNormalization(axis=0, name=name),
        "odd' looks at the whole batch",
    ),
    "activity regularizer": (
        lambda name: layers.Conv2D(3, 1, activity_regularizer="l2", name=name),
        "odd' has an activity_regularizer",
    ),
    "activity regularizer layer": (
        lambda name: layers.ActivityRegularization(l1=0.1, name=name),
        "odd' has an activity_regularizer",
    ),
    "operation": (lambda name: centered, "looks at the whole batch"),
    "inside of a layer": (
        lambda name: keras.Sequential(
            [layers.Conv2D(3, 1), Centered(name="odd")], name=name
        ),
        "odd' looks at the whole batch",
    ),
}
KEPT = {
    "operation on pixels": lambda name: (
        lambda x: x / ops.max(x, (1, 2, 3), True)
    ),
    "Lambda": lambda name: layers.Lambda(lambda x: x * 2, name=name),
    "BatchNormalization": lambda name: layers.BatchNormalization(name=name),
    "UnitNormalization": lambda name: layers.UnitNormalization(name=name),
    "regularizer of weights": lambda name: layers.Conv2D(
        3, 1, kernel_regularizer="l2", name=name
    ),
    "activation": lambda name: layers.Conv2D(
        3, 1, activation=lambda x: ops.relu(x) - 0.1, name=name
    ),
}


def build(make):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, 2, name="conv")(image)
    x = make(name="odd")(x)
    model = kt.build_model(
        keras.Model(image, x, name="odd_net"), kt.heads.LinearHead(2)
    )
    kt.freeze(model)
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


class Regularized(kt.heads.LinearHead):
    """A head with losses of its own, which trains."""

    def call(self, inputs, training=None):
        outputs = super().call(inputs, training=training)
        self.add_loss(ops.mean(ops.square(outputs)))
        return outputs


def data():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (10, 8, 8, 3)).astype("float32")
    return x, np.arange(10) % 2


OPTIONS = {"epochs": 2, "batch_size": 4, "shuffle": False}


def check_equal(one, other):
    (model, history), (expected, wanted) = one, other
    assert history.history == wanted.history
    for variable, value in zip(
        model.variables, expected.variables, strict=True
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(variable), ops.convert_to_numpy(value)
        )


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_more_than_compute_trains_the_ordinary_way(kind, capsys):
    make, words = REFUSED[kind]
    plain = build(make)
    keras.utils.set_random_seed(1)
    wanted = plain.fit(*data(), verbose=0, **OPTIONS)
    model = build(make)
    keras.utils.set_random_seed(1)
    found = kt.fit(model, *data(), verbose=2, **OPTIONS)
    check_equal((model, found), (plain, wanted))
    said = capsys.readouterr().err
    assert said.count("kt.fit: no cache, because") == 1
    with pytest.raises(ValueError, match=words):
        kt.fit(model, *data(), cache="memory", **OPTIONS)


@pytest.mark.parametrize("kind", KEPT)
def test_what_only_computes_is_kept(kind):
    plain, model = build(KEPT[kind]), build(KEPT[kind])
    wanted = plain.fit(*data(), verbose=0, **OPTIONS)
    found = kt.fit(model, *data(), cache="memory", verbose=0, **OPTIONS)
    check_equal((model, found), (plain, wanted))


@pytest.mark.parametrize(
    "head",
    [
        lambda: kt.heads.LinearHead(2, activity_regularizer="l2"),
        lambda: Regularized(2),
    ],
)
def test_losses_of_layers_that_train_are_counted(head):
    def make():
        keras.utils.set_random_seed(0)
        image = keras.Input((8, 8, 3))
        x = layers.Conv2D(3, 3, 2, name="conv")(image)
        model = kt.build_model(keras.Model(image, x), head())
        kt.freeze(model)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    plain, model = make(), make()
    wanted = plain.fit(*data(), verbose=0, **OPTIONS)
    found = kt.fit(model, *data(), cache="memory", verbose=0, **OPTIONS)
    check_equal((model, found), (plain, wanted))


@pytest.mark.parametrize("schedule", ["LinearProbe", "GradualUnfreeze"])
def test_what_a_schedule_freezes_is_looked_at_before(schedule, capsys):
    """Nothing is frozen yet when `fit` decides."""
    model = build(Centered)
    model.trainable = True
    make = getattr(kt.schedules, schedule)
    with pytest.raises(ValueError, match="odd' looks at the whole batch"):
        kt.fit(model, *data(), cache="memory", callbacks=[make()], **OPTIONS)


class Shifted(keras.Model):
    """Does more in `call` than its graph says."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask) * 0.5


def test_a_model_with_a_call_of_its_own_is_not_divided():
    inner = build(lambda name: layers.ReLU(name=name))
    model = Shifted(inner.inputs, inner.outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="has no graph that could be"):
        kt.fit(model, *data(), cache="memory", **OPTIONS)
