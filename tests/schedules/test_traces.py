"""Step functions: as few traces as possible, and never a stale one."""

import keras
import pytest

from keras_transfer import schedules as ks
from tests.schedules import networks as net

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(net.BACKEND == "torch", reason="torch does not trace"),
]


class Counts(keras.layers.Layer):
    """Counts how often Python runs it in training."""

    count = 0

    def call(self, inputs, training=False):
        self.count += bool(training)
        return inputs


def model_with_counter():
    inputs = keras.Input((4,))
    counter = Counts(name="counter")
    x = counter(inputs)
    for name in ("a", "b", "c"):
        x = keras.layers.Dense(4, activation="tanh", name=name)(x)
    model = keras.Model(inputs, keras.layers.Dense(1, name="head")(x))
    model.compile("adam", "mse")
    counter.count = 0
    return model, counter


X, Y = keras.ops.ones((4, 4)), keras.ops.ones((4, 1))


def fit(model, epochs, schedule, **arguments):
    return model.fit(
        X, Y, epochs=epochs, verbose=0, callbacks=[schedule], **arguments
    ).history


def test_traces_are_no_more_than_changes_of_flags_and_one():
    model, counter = model_with_counter()
    stages = ["a", "b", "c"]
    fit(model, 12, ks.GradualUnfreeze(every=3, stages=stages))
    assert counter.count <= 4


def test_rates_that_change_need_no_trace():
    model, counter = model_with_counter()
    phases = [
        ks.Phase("*", learning_rate_multiplier=1 / (i + 1), until=ks.Epochs(1))
        for i in range(5)
    ]
    fit(model, 5, ks.FreezeSchedule(phases))
    assert counter.count == 1


def test_losses_are_those_of_the_weights_after_each_of_many_changes():
    """On JAX a stale trace would feed values to weights of the same shape."""
    keras.utils.set_random_seed(0)
    model, _ = model_with_counter()
    phases = [ks.Phase(name, until=ks.Epochs(1)) for name in "abcabc"]
    found = []

    class Evaluate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            fresh, _ = model_with_counter()
            fresh.set_weights(self.model.get_weights())
            found.append(fresh.evaluate(X, Y, verbose=0))

    history = model.fit(
        X,
        Y,
        epochs=6,
        verbose=0,
        validation_data=(X, Y),
        callbacks=[Evaluate(), ks.FreezeSchedule(phases)],
    ).history
    assert history["val_loss"] == pytest.approx(found, rel=1e-6)
    assert len(set(found)) == 6


def test_several_steps_in_one_execution_change_nothing():
    def trained(steps_per_execution):
        model = net.compiled(steps_per_execution=steps_per_execution)
        schedule = ks.FreezeSchedule(
            [ks.Phase("head", until=ks.Steps(3)), ks.Phase("stage_2")]
        )
        net.train(model, 2, schedule)
        return net.values(model)

    assert net.same(trained(1), trained(3))
