"""Learning rates that are passed as multipliers are noticed."""

import warnings

import keras
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from tests.schedules import networks as net


def compiled(rate=0.5):
    model = net.build_network()
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    return model


def build(given):
    return ks.FreezeSchedule([ks.Phase("*", learning_rate_multiplier=given)])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (slice(1e-5, 1e-3), "0.5 by 1e-05, so that layers train at 5e-06"),
        (2e-5, "0.5 by 2e-05, so that layers train at 1e-05"),
        ({"stem": 1e-6, "head": 1.0}, "0.5 by 1e-06, so .* at 5e-07"),
    ],
)
def test_a_tiny_multiplier_warns_with_the_rate_that_results(given, sentence):
    with warnings.catch_warnings(action="error", category=UserWarning):
        schedule = build(given)  # Nobody knows the learning rate yet.
        schedule.describe(compiled(), epochs=1)
    with pytest.warns(UserWarning, match=sentence) as caught:
        net.train(compiled(), 1, schedule)
    assert len([w for w in caught if w.category is UserWarning]) == 1


def test_the_old_name_and_the_tiny_multiplier_are_both_told():
    with pytest.warns(DeprecationWarning, match="`learning_rate` is now"):
        schedule = ks.GradualUnfreeze(learning_rate=slice(1e-5, 1e-3))
    with pytest.warns(UserWarning, match="multiplies the learning rate 0.5"):
        net.train(compiled(), 2, schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        build(slice(1e-4, 1.0)),
        build(ks.LayerDecay(0.01)),
        # Shortly before its end a cosine is far below the bound.
        ks.FreezeOut(t0=0.501, cubic=False),
    ],
    ids=["slice", "decay", "freeze_out"],
)
def test_what_nobody_takes_for_a_learning_rate_trains_without_a_word(schedule):
    kt.compile_for_transfer(model := net.build_network())
    with warnings.catch_warnings(action="error", category=UserWarning):
        net.train(model, 2, schedule)
