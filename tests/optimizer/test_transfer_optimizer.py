import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.transition import transition
from tests.optimizer import networks as net

pytestmark = pytest.mark.xla

EQUIVALENT = {
    **net.OPTIMIZERS,
    "adam, global norm": lambda: keras.optimizers.Adam(
        1e-2, global_clipnorm=0.01
    ),
    "adamw, ema": lambda: keras.optimizers.AdamW(
        1e-2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "momentum, accumulation": lambda: keras.optimizers.SGD(
        1e-2, momentum=0.9, gradient_accumulation_steps=2
    ),
    "adam, schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(1e-2, 10)
    ),
    "sgd, loss scale": lambda: keras.optimizers.SGD(
        1e-1, loss_scale_factor=64.0, global_clipnorm=4.0
    ),
    "nadam": lambda: keras.optimizers.Nadam(1e-2),
    "adafactor": lambda: keras.optimizers.Adafactor(1e-2),
    "lamb": lambda: keras.optimizers.Lamb(1e-2),
}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_with_everything_open_it_does_what_the_stock_optimizer_does(name):
    stock = net.compiled_dense(EQUIVALENT[name]())
    ours = net.compiled_dense(wrap_optimizer(EQUIVALENT[name]()))
    net.train(stock, 2)
    net.train(ours, 2)
    assert net.same_weights(stock, ours)
    assert int(ours.optimizer.iterations) == int(stock.optimizer.iterations)


@pytest.mark.parametrize("name", ["adamw", "momentum", "rmsprop"])
def test_a_multiplier_does_what_another_learning_rate_does(name):
    def with_rate(factor):
        optimizer = net.OPTIMIZERS[name]()
        optimizer.learning_rate = float(optimizer.learning_rate) * factor
        return optimizer

    stock = net.compiled_dense(with_rate(1.0))
    ours = net.compiled_dense(wrap_optimizer(with_rate(4.0)))
    transition(ours, multiplier_of=lambda weight: 0.25)
    net.train(stock, 2)
    net.train(ours, 2)
    assert net.same_weights(stock, ours)


def test_a_multiplier_scales_the_first_step_of_adam():
    weights = [keras.Variable([1.0], name=f"w{i}") for i in range(3)]
    optimizer = TransferOptimizer(keras.optimizers.Adam(1e-2))
    multipliers = dict(zip(map(id, weights), (0.1, 0.5, 1.0), strict=True))
    optimizer.activate(
        weights, multiplier_of=lambda weight: multipliers[id(weight)]
    )
    optimizer.apply([ops.ones((1,))] * 3, weights)
    moved = [1.0 - net.number(weight) for weight in weights]
    np.testing.assert_allclose(moved, [1e-3, 5e-3, 1e-2], rtol=1e-3)


def steps_of(weight, optimizer, weights, count):
    """Sizes of `count` steps of a weight under a constant gradient."""
    sizes = []
    for _ in range(count):
        before = net.number(weight)
        optimizer.apply([ops.ones((1,))] * len(weights), weights)
        sizes.append(before - net.number(weight))
    return np.array(sizes)


def test_steps_have_their_full_size_after_a_late_thaw():
    head = keras.Variable([0.0], name="head")
    thawed = keras.Variable([0.0], name="thawed")
    optimizer = TransferOptimizer(keras.optimizers.Adam(1e-3))
    optimizer.build([head])
    for _ in range(1000):
        optimizer.apply([ops.ones((1,))], [head])
    optimizer.activate([head, thawed])
    sizes = steps_of(thawed, optimizer, [head, thawed], 100)
    np.testing.assert_allclose(sizes, 1e-3, rtol=0.01)


def test_steps_have_their_full_size_after_a_partial_freeze():
    stays = keras.Variable([0.0], name="stays")
    rests = keras.Variable([0.0], name="rests")
    optimizer = TransferOptimizer(keras.optimizers.Adam(1e-3))
    optimizer.build([stays, rests])
    optimizer.apply([ops.ones((1,))] * 2, [stays, rests])
    optimizer.activate([stays])
    for _ in range(300):
        optimizer.apply([ops.ones((1,))], [stays])
    optimizer.activate([stays, rests])
    sizes = steps_of(rests, optimizer, [stays, rests], 20)
    np.testing.assert_allclose(sizes, 1e-3, rtol=0.01)


def test_warm_up_raises_the_rate_of_new_weights_only():
    old, new = (keras.Variable([0.0], name=n) for n in ("old", "new"))
    optimizer = TransferOptimizer(keras.optimizers.SGD(1.0))
    optimizer.build([old])
    optimizer.activate([old, new], warmup_steps=4)
    sizes = steps_of(new, optimizer, [old, new], 6)
    np.testing.assert_allclose(sizes, [0.25, 0.5, 0.75, 1, 1, 1])
    assert net.number(old) == -6.0


def test_the_global_norm_is_that_of_all_cohorts():
    weights = [keras.Variable([0.0], name=n) for n in "ab"]
    optimizer = TransferOptimizer(
        keras.optimizers.SGD(1.0, global_clipnorm=5.0)
    )
    optimizer.build(weights[:1])
    optimizer.activate(weights)
    optimizer.apply([ops.array([30.0]), ops.array([40.0])], weights)
    moved = [net.number(w) for w in weights]
    np.testing.assert_allclose(moved, [-3.0, -4.0], rtol=1e-6)


def test_the_average_of_a_weight_that_took_no_step_is_not_used():
    weights = [keras.Variable([7.0], name=n) for n in "ab"]
    optimizer = TransferOptimizer(
        keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    )
    optimizer.build(weights[:1])
    for _ in range(2):
        optimizer.apply([ops.ones((1,))], weights[:1])
    optimizer.activate(weights)
    optimizer.finalize_variable_values(weights)
    assert [net.number(w) for w in weights] == [5.5, 7.0]


def test_the_average_of_a_frozen_weight_is_not_used():
    weights = [keras.Variable([7.0], name=n) for n in "ab"]
    optimizer = TransferOptimizer(
        keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    )
    optimizer.build(weights)
    for _ in range(2):
        optimizer.apply([ops.ones((1,))] * 2, weights)
    optimizer.activate(weights[:1])
    optimizer.finalize_variable_values(weights[:1])
    assert [net.number(w) for w in weights] == [5.5, 5.0]


def test_training_goes_on_after_averages_were_written():
    model = net.compiled(
        wrap_optimizer(keras.optimizers.Adam(1e-2, use_ema=True))
    )
    net.train(model)
    before = net.values(model)
    net.train(model)
    assert net.changed(before, net.values(model)) == set(before)


def test_freezing_forgets_an_unfinished_accumulation_window():
    weights = [keras.Variable([0.0], name=n) for n in "ab"]
    optimizer = TransferOptimizer(
        keras.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    )
    optimizer.build(weights)
    for _ in range(3):
        optimizer.apply([ops.ones((1,)) * 100] * 2, weights)
    optimizer.activate(weights[:1])
    optimizer.activate(weights)
    before = net.number(weights[1])
    assert before == -100.0
    for _ in range(2):
        optimizer.apply([ops.ones((1,))] * 2, weights)
    assert net.number(weights[1]) == before - 1.0


def test_stock_callbacks_set_the_learning_rate():
    model = net.compiled(wrap_optimizer(keras.optimizers.SGD(1.0)))
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        keras.callbacks.ReduceLROnPlateau(
            monitor="loss", factor=0.1, patience=1, min_delta=1e9
        ),
    ]
    history = net.train(model, 3, callbacks).history
    # The first epoch always improves, the others never do.
    np.testing.assert_allclose(
        history["learning_rate"], [0.5, 0.25, 0.0125], rtol=1e-6
    )
    cohort = model.optimizer.cohorts()[0]
    rate = float(ops.convert_to_numpy(cohort.learning_rate()))
    assert rate == pytest.approx(0.00125)
    assert not hasattr(model.optimizer, "optimizers")


def test_weights_excluded_from_decay_are_not_decayed():
    stock = keras.optimizers.AdamW(1e-2, weight_decay=0.5)
    stock.exclude_from_weight_decay(var_names=["bias"])
    optimizer = TransferOptimizer(stock)
    kernel = keras.Variable([1.0], name="kernel")
    bias = keras.Variable([1.0], name="bias")
    optimizer.apply([ops.zeros((1,))] * 2, [kernel, bias])
    assert net.number(bias) == 1.0
    assert net.number(kernel) < 1.0
    with pytest.raises(ValueError, match="comes too late"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_weights_it_was_not_told_of_are_refused():
    known, unknown = (keras.Variable([0.0], name=n) for n in ("a", "b"))
    optimizer = TransferOptimizer("sgd")
    optimizer.build([known])
    with pytest.raises(ValueError, match=r"not told .*\['b'\]"):
        optimizer.apply([ops.ones((1,))], [unknown])


@net.jax_only
def test_a_changed_number_of_weights_is_refused_when_traced():
    model = net.compiled(wrap_optimizer("adam"))
    transition(model, net.opening(["head"]))
    model.trainable = True
    with pytest.raises(ValueError, match="knows of 2 trainable weights"):
        net.train(model)


def test_a_weight_without_gradient_is_named_and_left_alone():
    weights = [keras.Variable([0.0], name=n) for n in "ab"]
    optimizer = TransferOptimizer("sgd")
    with pytest.warns(UserWarning, match=r"do not exist for .*\['b'\]"):
        optimizer.apply([ops.ones((1,)), None], weights)
    assert net.number(weights[1]) == 0.0
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply([None, None], weights)
    with pytest.raises(ValueError, match="Received 1 gradients"):
        optimizer.apply([ops.ones((1,))], weights)


class Unseparable(keras.optimizers.SGD):
    """Keeps one vector for all weights together."""

    def build(self, variables):
        super().build(variables)
        self.norms = self.add_variable((len(variables),))
        self.pairs = {"norms": self.norms}
        del self.norms


def test_an_optimizer_with_common_state_is_refused():
    optimizer = TransferOptimizer(Unseparable())
    with pytest.raises(ValueError, match="cannot train groups of weights"):
        optimizer.build([keras.Variable([0.0])] * 3)


@pytest.mark.parametrize(
    ("optimizer", "sentence"),
    [
        (lambda: "ftrl", "replace the pretrained weights"),
        (
            lambda: keras.optimizers.LossScaleOptimizer(
                keras.optimizers.Adam()
            ),
            "must be outermost",
        ),
        (lambda: TransferOptimizer("adam"), "already holds several"),
        (
            lambda: keras.optimizers.SGD(
                global_clipnorm=1.0, gradient_accumulation_steps=2
            ),
            "cannot be combined",
        ),
    ],
)
def test_optimizers_that_cannot_be_divided_are_refused(optimizer, sentence):
    with pytest.raises(ValueError, match=sentence):
        TransferOptimizer(optimizer())


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(TypeError, match="must be a Keras optimizer"):
        TransferOptimizer(0.1)


@pytest.mark.parametrize("name", EQUIVALENT)
def test_its_config_describes_it_completely(name):
    ours = wrap_optimizer(EQUIVALENT[name]())
    config = keras.saving.serialize_keras_object(ours)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == ours.get_config()
    variables = [keras.Variable([1.0, 2.0], name="a")]
    for optimizer in (ours, again):
        optimizer.build(variables)
    kinds = [type(o.cohorts()[0].inner) for o in (ours, again)]
    assert kinds[0] is kinds[1]
