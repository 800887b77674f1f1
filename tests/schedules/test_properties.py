"""Whatever the model, the phases and the optimizer: exact and loss-less."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keras_transfer import schedules as ks
from tests.schedules import networks as net

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")
POLICIES = ["frozen", "statistics", "affine", "full"]


@st.composite
def cases(draw):
    depth = draw(st.integers(1, 3))
    names = [f"dense_{i}" for i in range(depth)]
    names += [f"bn_{i}" for i in range(depth)] + ["head"]
    subsets = st.sets(st.sampled_from(names), max_size=len(names))
    phases = draw(
        st.lists(
            # The head makes sure that something trains.
            st.tuples(
                subsets.map(lambda found: found | {"head"}),
                st.sampled_from(POLICIES),
                st.sampled_from([1.0, 0.5, slice(0.25, 1.0)]),
                st.integers(1, 2),
            ),
            min_size=1,
            max_size=4,
        )
    )
    return {
        "depth": depth,
        "nesting": draw(st.integers(0, 2)),
        "is_shared": draw(st.booleans()),
        "optimizer": draw(st.sampled_from(sorted(net.OPTIMIZERS))),
        "phases": phases,
    }


def build(depth, nesting, is_shared):
    inputs = keras.Input((3,))
    x = inputs
    for i in range(depth):
        dense = keras.layers.Dense(3, activation="tanh", name=f"dense_{i}")
        x = dense(dense(x)) if is_shared else dense(x)
        x = keras.layers.BatchNormalization(name=f"bn_{i}")(x)
    for level in range(nesting):
        body = keras.Model(inputs, x, name=f"level_{level}")
        inputs = keras.Input((3,))
        x = body(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))


def expected(opened, policy):
    names = set()
    for name in opened:
        if not name.startswith("bn"):
            names |= {f"{name}/kernel", f"{name}/bias"}
            continue
        if policy in ("affine", "full"):
            names |= {f"{name}/gamma", f"{name}/beta"}
        if policy in ("statistics", "full"):
            names |= {f"{name}/moving_mean", f"{name}/moving_variance"}
    return names


def check(case, **arguments):
    keras.utils.set_random_seed(1)
    model = build(case["depth"], case["nesting"], case["is_shared"])
    model.compile(net.OPTIMIZERS[case["optimizer"]](), "mse", **arguments)
    *firsts, last = [
        ks.Phase(
            [name if name == "head" else f"*{name}" for name in sorted(opened)],
            batch_norm=policy,
            learning_rate_multiplier=rate,
            until=ks.Epochs(epochs),
        )
        for opened, policy, rate, epochs in case["phases"]
    ]
    watcher = net.Watcher()
    epochs = sum(epochs for *_, epochs in case["phases"])
    model.fit(
        X,
        Y,
        # One step, since two of Lion's, equally long, may cancel out.
        batch_size=8,
        epochs=epochs,
        verbose=0,
        callbacks=[watcher, ks.FreezeSchedule([*firsts, last])],
    )
    wanted = [
        expected(opened, policy)
        for opened, policy, _, epochs in case["phases"]
        for _ in range(epochs)
    ]
    assert watcher.by_epoch == wanted
    assert watcher.by_transition == [set()] * (epochs - 1)


# JAX compiles the step of each phase, which takes a hundred times as long.
@settings(max_examples=12 if net.BACKEND == "tensorflow" else 3, deadline=None)
@given(cases())
def test_each_phase_changes_what_it_opens_and_a_transition_nothing(case):
    check(case, run_eagerly=net.BACKEND == "tensorflow")


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(cases())
def test_so_it_is_in_compiled_steps(case):
    check(case)
