import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import unwrap_optimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.transition import transition
from tests.optimizer import networks as net

pytestmark = pytest.mark.xla


class Phases(keras.callbacks.Callback):
    """Opens other parts at the beginning of each epoch; notes what changed."""

    def __init__(self, phases=net.PHASES):
        super().__init__()
        self.phases = phases
        self.changes = []
        self.kept_state = []

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer
        known = {id(v): v for v in optimizer.variables}
        before = {
            key: np.array(ops.convert_to_numpy(v)) for key, v in known.items()
        }
        transition(self.model, net.opening(self.phases[epoch]))
        self.kept_state.append(
            all(
                np.array_equal(before[key], ops.convert_to_numpy(v))
                for key, v in known.items()
            )
        )
        self.before = net.values(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.changes.append(net.changed(self.before, net.values(self.model)))


@pytest.mark.parametrize("name", net.OPTIMIZERS)
def test_each_phase_changes_exactly_what_is_open(name):
    model = net.compiled(wrap_optimizer(net.OPTIMIZERS[name]()))
    phases = Phases()
    net.train(model, len(net.PHASES), [phases])
    expected = [net.expected_changes(phase) for phase in net.PHASES]
    assert phases.changes == expected
    assert all(phases.kept_state)


def test_a_transition_in_mid_epoch_equals_two_fits():
    class AtStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 0:
                # Not by `self.model`, which on JAX would fetch all values.
                transition(one, net.opening(["stage_1", "head"]))

    one = net.compiled(wrap_optimizer("adam"))
    transition(one, net.opening(["stage_2", "head"]))
    net.train(one, callbacks=[AtStep()])

    two = net.compiled(wrap_optimizer("adam"))
    transition(two, net.opening(["stage_2", "head"]))
    fit = functools.partial(two.fit, batch_size=8, shuffle=False, verbose=0)
    fit(net.IMAGES[:8], net.LABELS[:8])
    transition(two, net.opening(["stage_1", "head"]))
    fit(net.IMAGES[8:], net.LABELS[8:])
    assert net.same_weights(one, two)


def test_a_transition_that_changes_nothing_does_nothing():
    model = net.compiled(wrap_optimizer("adam"))
    assert transition(model, net.opening(["head"]))
    net.train(model)
    function, generation = model.train_function, model.optimizer.generation
    before = net.optimizer_values(model.optimizer)
    assert not transition(model, net.opening(["head"]))
    assert not transition(model)
    assert model.train_function is function
    assert model.optimizer.generation == generation
    assert net.same(before, net.optimizer_values(model.optimizer))


def test_flags_that_were_set_before_take_effect():
    model = net.compiled(wrap_optimizer("adam"))
    net.train(model)
    net.opening(["head"])(model)
    assert transition(model)
    before = net.values(model)
    net.train(model)
    expected = net.expected_changes(["head"])
    assert net.changed(before, net.values(model)) == expected


@keras.saving.register_keras_serializable(package="tests")
class CountsTraces(keras.layers.Layer):
    """Counts how often its `call` is run by Python while training."""

    traces = 0

    def call(self, inputs, training=False):
        self.traces += bool(training)
        return inputs


def counting_model(optimizer):
    inputs = keras.Input((4,))
    counter = CountsTraces()
    x = keras.layers.Dense(4, name="a")(counter(inputs))
    x = keras.layers.Dense(4, name="b")(x)
    model = keras.Model(inputs, keras.layers.Dense(1, name="c")(x))
    model.compile(optimizer, loss="mse")
    counter.traces = 0
    return model, counter


def open_layers(*names):
    def set_flags(model):
        for layer in model.layers:
            layer.trainable = layer.name in names

    return set_flags


@pytest.mark.skipif(net.BACKEND == "torch", reason="torch does not trace")
@pytest.mark.parametrize(
    ("always", "traces"),
    [
        # JAX traces the first set once more, for the slots the second adds.
        ([], 3 if net.BACKEND == "jax" else 2),
        # Here the first cohort is split at the first change of flags.
        (["c"], 3),
    ],
)
def test_an_alternation_of_six_epochs_is_traced_two_or_three_times(
    always, traces
):
    model, counter = counting_model(wrap_optimizer("adam"))
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")

    class Alternate(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            names = ["a" if epoch % 2 else "b", *always]
            transition(self.model, open_layers(*names))

    model.fit(x, y, batch_size=8, epochs=6, verbose=0, callbacks=[Alternate()])
    assert counter.traces == traces


@pytest.mark.skipif(net.BACKEND == "torch", reason="torch does not trace")
def test_multipliers_change_without_a_new_trace():
    model, counter = counting_model(wrap_optimizer(keras.optimizers.SGD(1.0)))
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
    transition(model, open_layers("c"))
    model.fit(x, y, batch_size=8, verbose=0)
    transition(model, multiplier_of=lambda weight: 0.0)
    before = net.values(model)
    model.fit(x, y, batch_size=8, verbose=0)
    assert counter.traces == 1
    assert not net.changed(before, net.values(model))


def run_alternation(instance_step=False, held=None):
    """Alternates between layers of equal shape, where stale traces hide."""
    keras.utils.set_random_seed(0)
    model, _ = counting_model(wrap_optimizer(keras.optimizers.Adam(1e-2)))
    if instance_step:
        model.train_step = model.train_step
    x = np.random.default_rng(0).random((16, 4), dtype="float32")
    y = x.sum(1, keepdims=True)
    history = []
    for epoch in range(4):
        transition(model, open_layers("a" if epoch % 2 else "b"))
        if held is not None:
            held.append(model.train_function)
        history.append(
            model.fit(
                x,
                y,
                batch_size=8,
                shuffle=False,
                verbose=0,
                validation_data=(x, y),
            ).history["val_loss"][0]
        )
    return model, history, x, y


def test_an_alternation_of_equal_shapes_never_runs_a_stale_trace():
    held = []
    model, history, x, y = run_alternation()
    other, other_history, _, _ = run_alternation(instance_step=True, held=held)
    assert net.same_weights(model, other)
    assert history == other_history
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    fresh.compile("adam", loss="mse")
    assert history[-1] == pytest.approx(
        fresh.evaluate(x, y, batch_size=8, verbose=0), rel=1e-6
    )
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), fresh.predict(x, verbose=0)
    )


def test_a_frozen_layers_penalty_leaves_the_validation_loss_too():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, kernel_regularizer="l2", name="a")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="c")(x))
    model.compile(wrap_optimizer("adam"), loss="mse")
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
    transition(model, open_layers("a", "c"))
    with_penalty = model.evaluate(x, y, verbose=0)
    transition(model, open_layers("c"))
    penalty = 0.01 * np.sum(net.values(model)["a/kernel"] ** 2)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        with_penalty - penalty, rel=1e-4
    )


def test_a_stock_optimizer_is_wrapped_at_the_first_transition():
    model = net.compiled(keras.optimizers.Adam(1e-2))
    phases = Phases()
    net.train(model, len(net.PHASES), [phases])
    assert isinstance(model.optimizer, TransferOptimizer)
    assert phases.changes == [net.expected_changes(p) for p in net.PHASES]


def test_slots_exist_only_for_weights_that_were_ever_open():
    model = net.compiled("adam")
    net.train(model, 2, [Phases([["head"], ["stage_2", "head"]])])
    held = {
        variable.path
        for cohort in model.optimizer.cohorts()
        for variable in cohort.variables
    }
    net.opening(["stage_2", "head"])(model)
    assert held == {v.path for v in model.trainable_variables}


def test_slots_that_were_never_used_are_given_back():
    model = net.compiled(wrap_optimizer("adam"))
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    transition(model, net.opening(["head"]))
    assert [len(c.variables) for c in optimizer.cohorts()] == [2]
    generation = optimizer.generation
    transition(model, net.opening(["stage_1"]))
    assert [len(c.variables) for c in optimizer.cohorts()] == [4]
    assert optimizer.generation > generation


def test_recompiling_with_the_same_optimizer_drops_old_functions():
    model = net.compiled(wrap_optimizer("adam"))
    transition(model, net.opening(["head"]))
    net.train(model)
    model.compile(model.optimizer, loss=net.LOSS)
    transition(model, net.opening(["stage_1"]))
    net.train(model)
    transition(model, net.opening(["head"]))
    history = net.train(model).history
    expected = model.evaluate(
        net.IMAGES[:8], net.LABELS[:8], batch_size=8, verbose=0
    )
    assert history["loss"][0] == pytest.approx(expected, abs=0.1)


def test_mixed_precision_scales_the_loss_and_follows_the_flags():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = net.compiled("adam")
        phases = Phases()
        net.train(model, len(net.PHASES), [phases])
    finally:
        keras.config.set_dtype_policy("float32")
    assert phases.changes == [net.expected_changes(p) for p in net.PHASES]
    assert all(phases.kept_state[1:])
    assert int(model.optimizer.step_counter) == 3 * len(net.PHASES)
    assert len(unwrap_optimizer(model.optimizer).cohorts()) == 3


def test_an_uncompiled_model_is_refused():
    with pytest.raises(ValueError, match="is not compiled. Call"):
        transition(net.build_network())


def test_an_unbuilt_model_is_refused():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="has no weights yet"):
        transition(model)
