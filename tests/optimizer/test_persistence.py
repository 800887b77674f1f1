import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import adopt_optimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.saved_state import SavedState
from keras_transfer.optimizer.saved_state import read_state
from keras_transfer.optimizer.saved_state import write_state
from keras_transfer.optimizer.transition import transition
from tests.optimizer import networks as net

SETTINGS = {
    "adam": lambda: keras.optimizers.Adam(1e-2),
    "adamw, ema": lambda: keras.optimizers.AdamW(1e-2, use_ema=True),
    "accumulation": lambda: keras.optimizers.SGD(
        1e-2, momentum=0.9, gradient_accumulation_steps=2
    ),
}


def run(model, phases):
    for phase in phases:
        transition(model, net.opening(phase))
        net.train(model)


@pytest.mark.parametrize(
    ("name", "cut"), [("adam", 1), ("adamw, ema", 2), ("accumulation", 3)]
)
def test_a_run_cut_and_loaded_ends_bit_equal(name, cut, tmp_path):
    phases = [["head"], ["stage_2", "head"], ["head"], ["stage_2"]]
    model = net.compiled(wrap_optimizer(SETTINGS[name]()))
    run(model, phases[:cut])
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, resumed):
        run(one, phases[cut:])
    assert net.same_weights(model, resumed)
    assert net.same_states(model, resumed)


def test_a_loaded_model_goes_on_without_a_transition(tmp_path):
    model = net.compiled(wrap_optimizer("adam"))
    run(model, net.PHASES[:1])
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, resumed):
        net.train(one)
    assert net.same_weights(model, resumed)


def test_state_finds_its_weights_although_loading_changes_their_paths(
    tmp_path,
):
    """Keras leaves out the name of a nested Sequential when it loads one."""
    body = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4, name="a")], name="body"
    )
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="b")(body(inputs)))
    model.compile(wrap_optimizer("adam"), loss="mse")
    x, y = np.ones((4, 4), "float32"), np.ones((4, 1), "float32")

    def freeze_body(model):
        model.get_layer("body").get_layer("a").trainable = False

    model.fit(x, y, verbose=0)
    transition(model, freeze_body)
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    paths = [[w.path for w in one.weights] for one in (model, resumed)]
    assert paths[0] != paths[1]
    transition(resumed)
    assert net.same_states(model, resumed)


@pytest.mark.skipif(
    net.BACKEND == "torch",
    reason="Keras on torch adds up gradients of weights with the same path",
)
def test_weights_with_the_same_path_keep_their_own_state(tmp_path):
    def twin(name):
        image = keras.Input((4,))
        output = keras.layers.Dense(4, name="a")(image)
        return keras.Model(image, output, name=name)

    inputs = keras.Input((4,))
    outputs = twin("right")(twin("left")(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(wrap_optimizer("adam"), loss="mse")
    assert len({w.path for w in model.weights}) == 2
    x = np.random.default_rng(0).random((4, 4), dtype="float32")

    def open_only(name):
        def set_flags(model):
            for twin in ("left", "right"):
                layer = model.get_layer(twin).get_layer("a")
                layer.trainable = twin == name

        return set_flags

    for name in ("left", "right"):
        transition(model, open_only(name))
        model.fit(x, x, verbose=0)
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, resumed):
        transition(one, open_only("left"))
        one.fit(x, x, verbose=0)
    assert net.same(model.get_weights(), resumed.get_weights())


@keras.saving.register_keras_serializable(package="tests")
class FromSettings(keras.Model):
    """A model whose config says nothing about flags, as in keras-hub."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.body = keras.layers.Dense(units, name="body")
        self.head = keras.layers.Dense(1, name="head")

    def call(self, inputs):
        return self.head(self.body(inputs))

    def get_config(self):
        return {"units": self.units}


def test_state_survives_flags_that_keras_loses(tmp_path):
    model = FromSettings()
    x, y = np.ones((4, 4), "float32"), np.ones((4, 1), "float32")
    model(x)
    model.compile(wrap_optimizer("adam"), loss="mse")

    def freeze_body(model):
        model.body.trainable = False

    transition(model, freeze_body)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    assert len(resumed.trainable_variables) == 4
    assert len(resumed.optimizer.active_variables()) == 2
    # No slot is made for weights that the checkpoint did not train.
    assert len(resumed.optimizer.variables) == len(model.optimizer.variables)
    for one in (model, resumed):
        transition(one, freeze_body)
        one.fit(x, y, verbose=0)
    assert net.same(model.get_weights(), resumed.get_weights())


class CrashAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


class Phases(keras.callbacks.Callback):
    """A minimal schedule: adopts early, derives the phase from the epoch."""

    def set_model(self, model):
        super().set_model(model)
        adopt_optimizer(model)

    def on_epoch_begin(self, epoch, logs=None):
        transition(self.model, net.opening(net.PHASES[epoch]))


@pytest.mark.parametrize("schedule_first", [True, False])
def test_a_crash_is_undone_by_backup_and_restore(schedule_first, tmp_path):
    def callbacks():
        backup = keras.callbacks.BackupAndRestore(
            tmp_path, delete_checkpoint=False
        )
        both = [Phases(), backup]
        return both if schedule_first else both[::-1]

    model = net.compiled(keras.optimizers.Adam(1e-2))
    net.train(model, 3, [Phases()])
    crashing = net.compiled(keras.optimizers.Adam(1e-2))
    with pytest.raises(KeyboardInterrupt):
        net.train(crashing, 3, [*callbacks(), CrashAt(2)])
    resumed = net.compiled(keras.optimizers.Adam(1e-2))
    net.train(resumed, 3, callbacks())
    assert net.same_weights(model, resumed)


def test_restoring_a_state_that_fits_keeps_functions_valid(tmp_path):
    model = net.compiled(wrap_optimizer("adam"))
    run(model, net.PHASES[:1])
    model.save_weights(tmp_path / "best.weights.h5")
    best = net.optimizer_values(model.optimizer)
    generation = model.optimizer.generation
    net.train(model)
    model.load_weights(tmp_path / "best.weights.h5")
    assert net.same(best, net.optimizer_values(model.optimizer))
    assert model.optimizer.generation == generation


def test_schedule_state_travels_in_every_kind_of_file(tmp_path):
    state = {"phase": 2, "best": 0.1, "waits": [1, None]}
    model = net.compiled(wrap_optimizer("adam"))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.memory.schedule_state = state
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.memory.schedule_state == state
    other = net.compiled(wrap_optimizer("adam"))
    other.optimizer.build(other.trainable_variables)
    other.load_weights(tmp_path / "model.weights.h5")
    assert other.optimizer.memory.schedule_state == state
    model.optimizer.memory.schedule_state = {"phase": object()}
    with pytest.raises(TypeError, match="must be JSON data"):
        model.save(tmp_path / "model.keras")


def test_the_learning_rate_is_restored(tmp_path):
    model = net.compiled_dense(wrap_optimizer("adam"))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.learning_rate = 0.125
    model.save_weights(tmp_path / "model.weights.h5")
    other = net.compiled_dense(wrap_optimizer("adam"))
    other.optimizer.build(other.trainable_variables)
    other.load_weights(tmp_path / "model.weights.h5")
    assert float(other.optimizer.learning_rate) == 0.125


def test_multipliers_are_restored(tmp_path):
    model = net.compiled_dense(wrap_optimizer("adam"))
    transition(
        model,
        multiplier_of=lambda weight: 0.1 if "hidden" in weight.path else 1.0,
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [c.multiplier for c in loaded.optimizer.cohorts()] == [0.1, 1.0]


def stored(optimizer):
    store = {}
    optimizer.save_own_variables(store)
    return store


def trained(stock, names=("a", "b")):
    weights = [keras.Variable([1.0, 2.0], name=name) for name in names]
    optimizer = TransferOptimizer(stock)
    optimizer.apply([ops.ones((2,)) for _ in weights], weights)
    return optimizer, weights


def test_state_of_weights_that_the_model_lacks_is_refused_by_name():
    store = stored(trained("adam", ["gone", "b"])[0])
    weights = [keras.Variable([1.0, 2.0], name=name) for name in "ab"]
    other = TransferOptimizer("adam")
    other.build(weights)
    other.load_own_variables(store)
    # It waits for its owner, also in the next file.
    assert "gone" in stored(other)["description"].tobytes().decode()
    with pytest.raises(ValueError, match=r"cannot be given .*\['gone'\]"):
        other.activate(weights, model_weights=weights)


@pytest.mark.parametrize(
    ("stock", "sentence"),
    [
        ("sgd", "is that of Adam, but the model is compiled with SGD"),
        (
            keras.optimizers.Adam(amsgrad=True),
            "of 'a' does not fit. Expected the slots",
        ),
    ],
)
def test_state_of_other_settings_is_refused(stock, sentence):
    store = stored(trained("adam")[0])
    other, _ = trained(stock)
    before = net.optimizer_values(other)
    with pytest.raises(ValueError, match=sentence):
        other.load_own_variables(store)
    assert net.same(before, net.optimizer_values(other))


def test_state_that_counts_something_else_is_refused():
    optimizer, _ = trained("adam")
    cohort = optimizer.cohorts()[0]
    state = cohort.read_state()
    state.counters = {"other": np.zeros(())}
    with pytest.raises(ValueError, match=r"counts \['other'\]"):
        cohort.check_state(state)


def test_state_of_a_stock_optimizer_is_taken_if_it_fits():
    stock = keras.optimizers.Adam()
    weights = [keras.Variable([1.0, 2.0], name=name) for name in "ab"]
    stock.apply([ops.ones((2,))] * 2, weights)
    store = {}
    stock.save_own_variables(store)
    ours = TransferOptimizer("adam")
    ours.build(weights)
    ours.load_own_variables(store)
    grads = [ops.full((2,), 3.0)] * 2
    values = [np.array(ops.convert_to_numpy(w)) for w in weights]
    stock.apply(grads, weights)
    expected = [np.array(ops.convert_to_numpy(w)) for w in weights]
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
    ours.apply(grads, weights)
    received = [np.array(ops.convert_to_numpy(w)) for w in weights]
    assert net.same(expected, received)


def test_state_of_a_stock_optimizer_that_does_not_fit_is_refused_by_name():
    stock = keras.optimizers.Adam()
    stock.build([keras.Variable([1.0], name="a")])
    store = {}
    stock.save_own_variables(store)
    ours, _ = trained("adam")
    with pytest.raises(ValueError, match=r"by number.*\['a', 'b'\]"):
        ours.load_own_variables(store)


def test_damaged_or_newer_state_is_refused():
    store = stored(trained("adam")[0])
    with pytest.raises(ValueError, match="is damaged"):
        read_state({**store, "description": store["description"][:-1]})
    with pytest.raises(ValueError, match="is damaged"):
        read_state({"description": store["description"]})
    description = json.loads(store["description"].tobytes())
    newer = json.dumps({**description, "format": 2}).encode()
    newer = np.frombuffer(newer, dtype="uint8")
    with pytest.raises(ValueError, match="has format 2"):
        read_state({**store, "description": newer})


def test_an_empty_file_changes_nothing():
    optimizer, _ = trained("adam")
    before = net.optimizer_values(optimizer)
    optimizer.load_own_variables({})
    assert net.same(before, net.optimizer_values(optimizer))


def test_an_optimizer_without_cohorts_is_saved():
    store = {}
    write_state(store, SavedState("SGD", {}, [], {"phase": 1}))
    assert read_state(store) == SavedState("SGD", {}, [], {"phase": 1})
