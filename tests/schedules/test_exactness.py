"""What each schedule trains, judged by what moves."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from tests.schedules import networks as net

pytestmark = pytest.mark.xla


@pytest.mark.parametrize("name", net.SCHEDULES)
def test_each_epoch_changes_exactly_what_is_open(name):
    check(name, "adam")


@pytest.mark.parametrize("optimizer", sorted({*net.OPTIMIZERS} - {"adam"}))
@pytest.mark.parametrize("name", net.SCHEDULES)
def test_so_it_is_with_every_optimizer(name, optimizer):
    if net.BACKEND == "jax" and name != "gradual_unfreeze":
        pytest.skip("JAX compiles eagerly run steps, too: see the slow tests")
    # Without tracing, which the others have in common with Adam.
    check(name, optimizer, run_eagerly=net.BACKEND != "jax")


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", net.OPTIMIZERS)
@pytest.mark.parametrize("name", net.SCHEDULES)
def test_so_it_is_in_compiled_steps(name, optimizer):
    check(name, optimizer)


def check(name, optimizer, **arguments):
    make, opened = net.SCHEDULES[name]
    model = net.compiled(net.OPTIMIZERS[optimizer](), **arguments)
    watcher = net.Watcher()
    net.train(model, len(opened), watcher, make())
    assert watcher.by_epoch == [net.expected_changes(o) for o in opened]
    assert watcher.by_transition == [set()] * (len(opened) - 1)
    ever = set()
    for parts, owners in zip(opened, watcher.owners, strict=True):
        ever |= net.expected_changes(parts)
        assert owners == ever


@pytest.mark.parametrize("policy", ["frozen", "statistics", "affine", "full"])
def test_batch_norm_follows_the_phase(policy):
    model = net.compiled()
    watcher = net.Watcher()
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Epochs(1)),
            ks.Phase(["stage_2", "head"], batch_norm=policy),
        ]
    )
    net.train(model, 2, watcher, schedule)
    assert watcher.by_epoch == [
        net.expected_changes(["head"]),
        net.expected_changes(["stage_2", "head"], policy),
    ]


def test_batch_norm_of_a_new_head_trains():
    backbone = net.build_network().get_layer("backbone")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(backbone(inputs))
    x = keras.layers.BatchNormalization(name="bn_head")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(x))
    model.compile("sgd", "mse")
    before = net.values(model)
    model.fit(
        net.IMAGES, np.ones((12, 2)), verbose=0, callbacks=[ks.LinearProbe()]
    )
    moved = net.changed(before, net.values(model))
    assert moved == {n for n in before if n.startswith(("bn_head", "out"))}


def test_rates_are_those_of_a_stock_optimizer_with_that_rate():
    one = net.compiled(keras.optimizers.AdamW(4e-3))
    net.train(
        one,
        2,
        ks.FreezeSchedule([ks.Phase("*", learning_rate_multiplier=0.25)]),
    )
    two = net.compiled(keras.optimizers.AdamW(1e-3))
    net.train(two, 2, ks.FreezeSchedule([ks.Phase("*")]))
    kt.freeze(two)
    three = net.compiled(keras.optimizers.AdamW(1e-3))
    kt.set_trainable(three, "*", batch_norm="frozen")
    three.compile(three.optimizer, "sparse_categorical_crossentropy")
    net.train(three, 2)
    assert net.same(net.values(one), net.values(two))
    assert net.same(net.values(one), net.values(three))


def test_first_adam_steps_are_as_long_as_the_multipliers_say():
    model = net.compiled(keras.optimizers.Adam(1e-3, epsilon=1e-12))
    net.train(model, 5, ks.FreezeSchedule([ks.Phase("head")]))
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.AtEpoch(5)),
            ks.Phase("*", learning_rate_multiplier=slice(1 / 64, 1.0)),
        ]
    )
    before = net.values(model)
    model.fit(
        net.IMAGES[:4],
        net.LABELS[:4],
        initial_epoch=5,
        epochs=6,
        verbose=0,
        callbacks=[schedule],
    )
    after = net.values(model)
    for number, multiplier in ((1, 1 / 64), (2, 1 / 16), (3, 1 / 4)):
        name = f"conv_{number}/kernel"
        step = np.abs(after[name] - before[name])
        np.testing.assert_allclose(step, 1e-3 * multiplier, rtol=0.01)


def test_warm_up_raises_the_rate_of_new_weights_only():
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Steps(1)),
            ks.Phase("*", warmup_steps=4),
        ]
    )
    model = net.compiled(keras.optimizers.Adam(1e-3, epsilon=1e-12))
    before = net.values(model)
    model.fit(
        net.IMAGES[:8],
        net.LABELS[:8],
        batch_size=4,
        verbose=0,
        shuffle=False,
        callbacks=[schedule],
    )
    step = np.abs(net.values(model)["conv_3/kernel"] - before["conv_3/kernel"])
    np.testing.assert_allclose(step, 1e-3 / 4, rtol=0.01)


def test_a_step_inside_an_epoch_ends_a_phase():
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Steps(2)),
            ks.Phase("stage_2", until=ks.Steps(2)),
            ks.Phase("stem"),
        ]
    )
    one = net.compiled()
    net.train(one, 2, schedule)
    # The same in pieces: 2 steps, then 2, then 2 of the six batches.
    two = net.compiled()
    images = np.concatenate([net.IMAGES] * 2)
    labels = np.concatenate([net.LABELS] * 2)
    for number, selector in enumerate(["head", "stage_2", "stem"]):
        part = slice(8 * number, 8 * number + 8)
        two.fit(
            images[part],
            labels[part],
            batch_size=4,
            shuffle=False,
            verbose=0,
            callbacks=[ks.FreezeSchedule([ks.Phase(selector)])],
        )
    assert net.same(net.values(one), net.values(two))
    assert net.same(net.moments(one), net.moments(two))


def test_a_model_that_was_trained_before_keeps_its_moments():
    model = net.compiled(keras.optimizers.Adam(1e-2))
    net.train(model, 1)
    before = {v.path: net.array(v) for v in model.optimizer.variables}
    schedule = ks.LinearProbe()
    net.train(model, 1, schedule)
    kept = net.moments(model)
    for path, value in before.items():
        if "conv_1_kernel_momentum" in path:
            assert np.array_equal(kept["conv_1/kernel:_momentums"], value)
            break
    else:
        pytest.fail(f"no momentum among {list(before)}")


def test_one_instance_serves_two_runs():
    schedule = ks.GradualUnfreeze(every=1, start=1)
    first = net.train(net.compiled(), 3, schedule)
    second = net.train(net.compiled(), 3, schedule)
    assert first == second


def test_a_second_run_of_a_model_begins_at_the_first_phase():
    model = net.compiled()
    schedule = ks.LinearProbeThenFineTune(1)
    phases = [net.train(model, 2, schedule)["phase"] for _ in range(2)]
    assert phases == [[0, 1], [0, 1]]
