"""Advice for the four cases of few or many, near or far."""

import pytest

import keras_transfer as kt


@pytest.mark.parametrize(
    ("images", "classes", "similarity", "schedule"),
    [
        (244, 2, "near", kt.schedules.LinearProbe),
        (244, 2, "far", kt.schedules.GradualUnfreeze),
        (50_000, 10, "near", kt.schedules.LinearProbeThenFineTune),
        (50_000, 10, "far", kt.schedules.LinearProbeThenFineTune),
        (50_000, 1000, "near", kt.schedules.LinearProbe),
    ],
)
def test_each_case_has_its_schedule(images, classes, similarity, schedule):
    found, reasons = kt.recommend(images, classes, similarity)
    assert type(found) is schedule
    assert f"{images:,} images of {classes} classes" in reasons
    assert len(reasons) > 150


def test_the_four_cases_differ():
    found = [
        kt.recommend(number, 2, similarity)
        for number in (100, 100_000)
        for similarity in ("near", "far")
    ]
    assert len({str(r.schedule.to_data()) for r in found}) == 4
    assert len({r.reasons for r in found}) == 4


def test_what_is_recommended_trains(tiny_model):
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 255, (8, 32, 32, 3)), np.arange(8) % 2
    for number in (100, 100_000):
        for similarity in ("near", "far"):
            kt.compile_for_transfer(tiny_model)
            schedule = kt.recommend(number, 2, similarity).schedule
            tiny_model.fit(x, y, epochs=8, verbose=0, callbacks=[schedule])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2), "`num_images` must be a whole number of at least 1"),
        ((10.5, 2), "`num_images` must be a whole number"),
        ((10, 1), "`num_classes` must be a whole number of at least 2"),
        ((10, 2, "close"), r"`similarity` must be one of .*Received: 'close'"),
    ],
)
def test_wrong_numbers_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.recommend(*arguments)
