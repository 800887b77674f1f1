"""The table and the picture of a schedule."""

import keras
import numpy as np
import pytest

from keras_transfer import schedules as ks
from keras_transfer.schedules import picture
from tests.schedules import networks as net


def test_the_table_tells_what_training_will_do():
    model = net.compiled(keras.optimizers.Adam(0.5))
    schedule = ks.GradualUnfreeze(
        every=2, start=1, learning_rate_multiplier={"stem": 0.1}
    )
    table = schedule.describe(model, epochs=6)
    assert [line.split() for line in str(table).splitlines()] == [
        "phase epochs layers trainable BN learning rate optimizer".split(),
        "head 0 1 6 frozen 0.5 48 B".split(),
        "stage_2_up 1-2 2 24 frozen 0.5 192 B".split(),
        "stage_1_up 3-4 3 42 frozen 0.5 336 B".split(),
        "stem_up 5 4 68 frozen 0.05 - 0.5 544 B".split(),
    ]
    assert len({len(line) for line in str(table).splitlines()}) == 1
    history = net.train(model, 6, schedule)
    predicted = []
    for row in table.rows:
        predicted += [row.parameters] * (row.last_epoch - row.first_epoch + 1)
    assert history["trainable_params"] == predicted
    kept = sum(
        np.prod(cohort_slot.shape)
        for cohort in model.optimizer.cohorts()
        for slots in cohort.read_state().slots
        for cohort_slot in slots.values()
    )
    assert table.rows[-1].optimizer_bytes == kept * 4


def test_the_table_changes_nothing():
    model = net.compiled()
    optimizer = model.optimizer
    flags = [weight.trainable for weight in model.weights]
    ks.ChainThaw().describe(model, epochs=9)
    assert [weight.trainable for weight in model.weights] == flags
    assert model.optimizer is optimizer
    assert not optimizer.built


def test_what_depends_on_training_is_marked():
    table = ks.UnfreezeOnPlateau(patience=2).describe(net.compiled(), 12)
    assert [row.epochs for row in table.rows] == ["~0-", "~3-", "~6-", "~9-11"]


def test_without_an_optimizer_multipliers_are_told():
    (row,) = ks.LinearProbe().describe(net.build_network()).rows
    assert (row.learning_rates, row.optimizer_bytes) == ((1.0, 1.0), None)
    assert row.epochs == "0-"
    assert "-" in str(ks.LinearProbe().describe(net.build_network()))


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (keras.optimizers.SGD(0.1), 0),
        (keras.optimizers.SGD(0.1, momentum=0.9), 1),
        (keras.optimizers.Adam(use_ema=True), 3),
        ("adafactor", 1 + 2 / 64),
    ],
)
def test_memory_follows_the_optimizer(optimizer, slots):
    (row,) = ks.LinearProbe().describe(net.compiled(optimizer)).rows
    assert row.optimizer_bytes == round(slots * 4 * 6)


def test_a_table_of_a_schedule_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="never begins"):
        ks.LinearProbeThenFineTune(3).describe(net.compiled(), epochs=3)


def test_the_picture_shows_each_part_in_each_epoch(tmp_path):
    model = net.build_network()
    schedule = ks.GradualUnfreeze(
        every=1, start=2, learning_rate_multiplier={"head": 2}
    )
    chart = picture.chart(model, schedule.phases_for(model, 4), 4)
    assert chart.parts == net.ALL
    assert chart.multipliers.tolist() == [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 1],
        [2, 2, 2, 2],
    ]
    assert chart.phases == (("head", 0), ("stage_2_up", 2), ("stage_1_up", 3))
    figure = schedule.plot(model, 4, tmp_path / "schedule.png")
    assert (tmp_path / "schedule.png").stat().st_size > 1000
    assert len(figure.axes) == 2  # The second one is the scale of the rates.


def test_a_picture_ends_where_training_stops():
    model = net.build_network()
    phases = [ks.Phase("head", until=ks.Epochs(2))]
    assert picture.chart(model, phases, 3).multipliers[3].tolist() == [1, 1, 0]
    figure = ks.FreezeSchedule(phases).plot(model, 3)
    assert len(figure.axes) == 1


def test_a_picture_says_that_epochs_are_not_certain():
    model = net.build_network()
    figure = ks.UnfreezeOnPlateau().plot(model, 12)
    assert figure.axes[0].get_xlabel() == "epoch, at the earliest"
