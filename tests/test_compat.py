"""What is private in Keras and used here, one test for each use.

When a new Keras breaks one, the name of the test says which function of
`compat` to mend and what of Keras it reads.
"""

import ast
import json
import pathlib

import h5py
import keras
import numpy as np
import pytest
from keras import ops

import keras_transfer as kt
from keras_transfer import compat
from keras_transfer.structure.graph import Graph

SOURCE = pathlib.Path(compat.__file__)


def built(optimizer="adam"):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, name="hidden"),
            keras.layers.Dense(2, name="output"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def trained(optimizer="adam", steps=1):
    model = built(optimizer)
    for _ in range(steps):
        model.train_on_batch(np.ones((2, 4)), np.ones((2, 2)))
    return model


class Composite(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(2)

    def call(self, x, training=False):
        return self.inner(x)


def test_every_use_has_a_test():
    functions = {
        node.name
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
    }
    tests = [name for name in globals() if name.startswith("test_")]
    untested = {
        function
        for function in functions
        if not any(test.startswith(f"test_{function}__") for test in tests)
    }
    assert not untested, "add test_FUNCTION__WHAT_IT_READS for each"


def test_canonical_names__object_name_uids():
    keras.layers.Dense(1)
    outside = keras.layers.Dense(1).name
    with compat.canonical_names():
        assert keras.layers.Dense(1).name == "dense"
    number = int(outside.rpartition("_")[2])
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_is_graph__sequential_functional_and_nodes_by_depth():
    image = keras.Input((4,))
    assert compat.is_graph(keras.Model(image, keras.layers.Dense(1)(image)))
    assert compat.is_graph(built())
    assert not compat.is_graph(keras.Sequential([keras.layers.Dense(1)]))
    assert not compat.is_graph(keras.layers.Dense(1))


def test_calls_its_graph__functional_call():
    class Other(keras.Model):
        def call(self, inputs):
            return inputs

    image = keras.Input((4,))
    assert compat.calls_its_graph(
        keras.Model(image, keras.layers.Dense(1)(image))
    )
    assert compat.calls_its_graph(built())
    assert not compat.calls_its_graph(Other())


def branching():
    image = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    first = shared(image)
    second = shared(first)
    total = keras.layers.Add(name="add")([first, second])
    return keras.Model(image, total), image, first, second


def test_graph_nodes__keras_history():
    model, *_ = branching()
    names = [node.operation.name for node in compat.graph_nodes(model)]
    assert names == ["shared", "shared", "add"]


def test_graph_nodes__begin_at_any_tensors():
    _, _, first, second = branching()
    (node,) = compat.graph_nodes(Graph([first], [second]))
    assert (node.operation.name, node.outputs[0]) == ("shared", second)


def test_node_arguments__arguments_convert():
    image = keras.Input((4,))
    x = keras.layers.Dropout(0.5)(image, training=True)
    (node,) = compat.graph_nodes(keras.Model(image, x))
    args, kwargs = compat.node_arguments(node, lambda leaf: leaf)
    assert args[0] is image
    assert kwargs["training"] is True


def test_takes_training__call_has_training_arg():
    assert compat.takes_training(keras.layers.Dropout(0.5))
    assert compat.takes_training(Composite())
    assert not compat.takes_training(keras.layers.Flatten())


def test_producer__inbound_nodes():
    _, _, first, second = branching()
    assert compat.producer(second).input_tensors[0] is first


def test_call_position__inbound_nodes():
    _, _, first, second = branching()
    assert compat.call_position(compat.producer(first)) == 0
    assert compat.call_position(compat.producer(second)) == 1


def test_training_restored__current_call_ctx():
    seen = []

    class Outer(keras.layers.Layer):
        def call(self, x, training=None):
            with compat.training_restored():
                keras.layers.Dropout(0.5)(x, training=False)
            probe = Probe()
            return probe(x)

    class Probe(keras.layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    Outer()(np.ones((1, 4)), training=True)
    assert seen == [True]


def test_sublayers__flatten_layers():
    layer = Composite()
    assert compat.sublayers(layer) == [layer, layer.inner]


def test_direct_sublayers__layers():
    layer = Composite()
    outer = keras.Sequential([layer])
    assert compat.direct_sublayers(layer) == [layer.inner]
    assert layer.inner not in compat.direct_sublayers(outer)


def test_own_trainable_variables__trainable_variables():
    layer = keras.layers.BatchNormalization()
    layer.build((None, 4))
    layer.trainable = False
    assert compat.own_trainable_variables(layer) == [layer.gamma, layer.beta]


def test_lora_bases__kernel_and_embeddings():
    dense = keras.layers.Dense(4)
    dense.build((None, 4))
    assert compat.lora_bases(dense) == []
    dense.enable_lora(1)
    (base,) = compat.lora_bases(dense)
    assert not base.trainable
    embedding = keras.layers.Embedding(4, 4)
    embedding.build()
    embedding.enable_lora(1)
    assert len(compat.lora_bases(embedding)) == 1


def test_remove_adapter__weights_of_a_built_layer():
    dense = keras.layers.Dense(4)
    dense.build((None, 4))
    before = list(dense.weights)
    dense.enable_lora(1)
    compat.remove_adapter(dense)
    assert [id(w) for w in dense.weights] == [id(w) for w in before]
    assert "lora_rank" not in dense.get_config()
    dense.enable_lora(1)


def test_optimizer_kept__compile():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.predict(np.ones((1, 4)), verbose=0)
    optimizer, function = model.optimizer, model.predict_function

    def fail():
        with compat.optimizer_kept(model):
            compat.replace_optimizer(model, keras.optimizers.SGD())
            model.predict_function = None
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert model.optimizer is optimizer
    assert model.predict_function is function


def test_model_whose_weights_are_saved__model(tmp_path):
    seen = []

    class Layer(keras.layers.Layer):
        def save_own_variables(self, store):
            seen.append(compat.model_whose_weights_are_saved())

    model = keras.Sequential([keras.Input((4,)), Layer()])
    model.save_weights(tmp_path / "model.weights.h5")
    assert seen == [model]
    assert compat.model_whose_weights_are_saved() is None


def test_own_variables__trainable_and_non_trainable_variables():
    layer = keras.layers.BatchNormalization()
    layer.build((None, 4))
    assert compat.own_variables(layer) == layer.weights
    composite = Composite()
    composite(np.ones((1, 4)))
    assert compat.own_variables(composite) == []


@pytest.mark.parametrize(
    ("optimizer", "counters", "slots"),
    [
        ("adam", {"_iterations"}, {"_momentums", "_velocities"}),
        ("nadam", {"_iterations", "_u_product"}, {"_momentums", "_velocities"}),
    ],
)
def test_optimizer_state__attributes_of_optimizers(optimizer, counters, slots):
    model = trained(optimizer)
    found_counters, found_slots = compat.optimizer_state(model.optimizer)
    assert set(found_counters) == counters
    assert set(found_slots) == slots
    for values in found_slots.values():
        shapes = [tuple(value.shape) for value in values]
        assert shapes == [tuple(w.shape) for w in model.trainable_variables]


def test_optimizer_weights__trainable_variables():
    model = trained()
    ours = compat.optimizer_weights(model.optimizer)
    assert [id(v) for v in ours] == [id(v) for v in model.trainable_variables]


def accumulating():
    return keras.optimizers.SGD(gradient_accumulation_steps=4)


def test_step_counter__iterations():
    optimizer = trained(accumulating(), steps=3).optimizer
    assert int(ops.convert_to_numpy(compat.step_counter(optimizer))) == 3
    assert int(ops.convert_to_numpy(optimizer.iterations)) == 0


def test_steps_taken__iterations():
    assert compat.steps_taken(trained(steps=2).optimizer) == 2


def test_moving_averages__model_variables_moving_average():
    model = trained(keras.optimizers.SGD(use_ema=True))
    assert len(compat.moving_averages(model.optimizer)) == 4
    assert not any(compat.moving_averages(trained("sgd").optimizer))


def test_gradient_accumulators__accumulated_gradients():
    model = trained(accumulating())
    sums = compat.gradient_accumulators(model.optimizer)
    assert len(sums) == 4
    assert np.asarray(sums[0]).any()


def test_learning_rate_source__learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    optimizer = keras.optimizers.SGD(schedule)
    assert compat.learning_rate_source(optimizer) is schedule
    source = compat.learning_rate_source(keras.optimizers.SGD(0.25))
    assert isinstance(source, keras.Variable)


def test_weight_key__var_key():
    optimizer, model = keras.optimizers.SGD(), built()
    keys = [compat.weight_key(optimizer, v) for v in model.weights]
    assert len(set(keys)) == 4
    assert keys == [compat.weight_key(optimizer, v) for v in model.weights]


def test_copy_weight_decay_exclusions__exclude_from_weight_decay():
    model = built()
    source, target = (
        keras.optimizers.SGD(1.0, weight_decay=0.5) for _ in range(2)
    )
    kernel = model.trainable_variables[0]
    source.exclude_from_weight_decay([kernel], ["bias"])
    compat.copy_weight_decay_exclusions(source, target)
    before = model.get_weights()
    gradients = [ops.zeros_like(v) for v in model.trainable_variables]
    target.apply(gradients, model.trainable_variables)
    after = model.get_weights()
    moved = [(a != b).any() for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, False]


def test_undecayed_names__exclude_from_weight_decay_pattern():
    optimizer = keras.optimizers.SGD(weight_decay=0.5)
    assert compat.undecayed_names(optimizer) is None
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    assert compat.undecayed_names(optimizer) == "bias"


def test_clip_by_global_norm__base_optimizer():
    clipped = compat.clip_by_global_norm(
        [ops.array([3.0]), ops.array([4.0])], 1.0
    )
    np.testing.assert_allclose(np.ravel(clipped), [0.6, 0.8], rtol=1e-6)


def test_ActiveVariables__trainable_variables():
    model = built()
    chosen = model.trainable_variables[:1]

    class Mine(compat.ActiveVariables, keras.optimizers.SGD):
        def active_variables(self):
            return chosen

    mine = Mine()
    mine.build(model.trainable_variables)
    assert mine._trainable_variables is chosen
    assert len(mine.variables) == 2  # No weight counts as its state.


def test_replace_optimizer__compile_config(tmp_path):
    model, adam = built("sgd"), keras.optimizers.Adam(0.25)
    adam.build(model.trainable_variables)
    compat.replace_optimizer(model, adam)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.Adam)


def test_compiled_loss__compile_loss():
    model = trained()
    y, y_pred = np.ones((2, 2)), ops.zeros((2, 2))
    assert float(compat.compiled_loss(model, y, y_pred, None)) == 1.0


def test_record_trainable_flags__compiled_trainable_state():
    model = built()
    model.layers[0].trainable = False
    compat.record_trainable_flags(model)
    state = model._compiled_trainable_state
    assert state[model.layers[0]] is False
    assert state[model.layers[1]] is True
    # Compiling writes the same attribute.
    model.compile("sgd", "mse")
    assert set(state) == set(model._compiled_trainable_state)


def test_begin_at_epoch__initial_epoch():
    class Begin(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            compat.begin_at_epoch(self.model, 2)

        def on_train_end(self, logs=None):
            compat.begin_at_epoch(self.model, None)

    model = built()
    fit = {"epochs": 3, "verbose": 0}
    x, y = np.ones((2, 4)), np.ones((2, 2))
    assert model.fit(x, y, callbacks=[Begin()], **fit).epoch == [2]
    assert model.fit(x, y, **fit).epoch == [0, 1, 2]


FOUND = {}


class Spy(keras.layers.Layer):
    """Asks which model it is saved and loaded with."""

    def get_config(self):
        FOUND["saved"] = compat.model_being_saved()
        return super().get_config()

    def load_own_variables(self, store):
        FOUND["loaded"] = compat.model_being_loaded()

    def call(self, x):
        return x


def spied():
    spy = Spy()
    inner = keras.Sequential([keras.Input((4,)), spy], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner], name="outer")
    return spy, outer


def test_model_being_saved__frames_of_get_config(tmp_path):
    spy, outer = spied()
    outer.save(tmp_path / "m.keras")
    assert FOUND["saved"] is outer
    spy.get_config()
    assert FOUND["saved"] is None


def test_model_being_loaded__frames_of_load_state(tmp_path):
    spy, outer = spied()
    outer.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(
        tmp_path / "m.keras", custom_objects={"Spy": Spy}
    )
    assert FOUND["loaded"] is loaded
    spy.load_own_variables({})
    assert FOUND["loaded"] is None


def test_calling_callback_list__frames_of_set_model():
    class Asking(keras.callbacks.Callback):
        def set_model(self, model):
            super().set_model(model)
            self.members = compat.calling_callback_list(self)

    asking, other = Asking(), keras.callbacks.Callback()
    built().fit(
        np.ones((2, 4)), np.ones((2, 2)), verbose=0, callbacks=[other, asking]
    )
    # What Keras adds by itself is there as well.
    assert asking.members.callbacks[:2] == [other, asking]
    assert any(
        isinstance(c, keras.callbacks.History) for c in asking.members.callbacks
    )
    asking.set_model(built())
    assert asking.members is None


def test_torch_random__torch_module():
    random = compat.torch_random()
    if keras.backend.backend() == "torch":
        assert random.get_rng_state().numel() > 0
    else:
        assert random is None


def test_model_from_legacy_config__legacy_saving(tmp_path):
    model = built()
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        config = json.loads(file.attrs["model_config"])
    again = compat.model_from_legacy_config(config)
    assert [layer.name for layer in again.layers] == ["hidden", "output"]
    unsafe = keras.Sequential(
        [keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)]
    )
    unsafe.save(tmp_path / "unsafe.h5")
    with h5py.File(tmp_path / "unsafe.h5") as file:
        config = json.loads(file.attrs["model_config"])
    with pytest.raises((ValueError, TypeError), match="safe mode|unsafe"):
        compat.model_from_legacy_config(config)


def test_uninitialized_variables__global_state():
    with keras.StatelessScope(initialize_variables=False):
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        made = list(compat.uninitialized_variables())
    assert [v.shape for v in made] == [(3, 2), (2,)]
    with keras.StatelessScope():
        pass  # Gives a value to what has none.
    assert not compat.uninitialized_variables()
    assert np.asarray(layer.kernel).shape == (3, 2)


def test_calls__inbound_nodes():
    layer = keras.layers.Dense(2)
    image = keras.Input((3,))
    outputs = [layer(image), layer(image)]
    assert [call.outputs[0] for call in compat.calls(layer)] == outputs


def test_metric_directions__private_lists_of_compile_metrics():
    """`Metric._direction`, and how `CompileMetrics` names them in logs."""
    x = keras.Input((4,))
    model = keras.Model(
        x,
        [
            keras.layers.Dense(1, name="score")(x),
            keras.layers.Dense(1, name="other")(x),
        ],
    )
    dice = keras.metrics.MeanMetricWrapper(lambda a, b: ops.mean(b), "dice")
    model.compile(
        "sgd",
        ["mse", "mse"],
        metrics=[["mae", "mae"], [keras.metrics.AUC(name="auc")]],
        weighted_metrics=[["mae"], [dice]],
    )
    y = [np.ones((2, 1)), np.ones((2, 1))]
    logs = model.train_on_batch(np.ones((2, 4)), y, return_dict=True)
    found = compat.metric_directions(model)
    assert found.keys() == logs.keys()
    assert {name for name, up in found.items() if up == "up"} == {"other_auc"}
    assert [name for name, up in found.items() if up is None] == ["other_dice"]


def test_direction__metric_direction():
    assert compat.direction(keras.metrics.MeanIoU(2)) == "up"
    assert compat.direction(keras.metrics.MeanSquaredError()) == "down"
    assert compat.direction(keras.metrics.Mean()) is None


def test_Averages__what_swap_ema_weights_reads():
    model = trained(kt.wrap_optimizer(keras.optimizers.SGD(0.1, use_ema=True)))
    optimizer = model.optimizer
    assert isinstance(optimizer, compat.Averages)
    shown = optimizer._model_variables_moving_average
    for variable, average in zip(
        optimizer._trainable_variables, shown, strict=True
    ):
        assert variable.shape == average.shape
    assert len(shown) == 4
    plain = trained(kt.wrap_optimizer("sgd")).optimizer
    assert len(plain._trainable_variables) == 4
    assert not hasattr(plain, "_model_variables_moving_average")
