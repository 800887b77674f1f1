"""A schedule beside the callbacks of Keras, in any order."""

import csv

import keras
import numpy as np
import pytest

from keras_transfer import schedules as ks
from tests.schedules import networks as net


def probe_then_all(until=None):
    until = ks.Epochs(2) if until is None else until
    return ks.FreezeSchedule(
        [
            ks.Phase("head", until=until),
            ks.Phase(
                ["stage_2", "head"], learning_rate_multiplier={"stage_2": 0.5}
            ),
        ]
    )


@pytest.mark.parametrize("position", [0, 1])
def test_the_logs_reach_history_and_files(position, tmp_path):
    callbacks = [keras.callbacks.CSVLogger(tmp_path / "log.csv")]
    callbacks.insert(position, probe_then_all())
    history = net.train(net.compiled(keras.optimizers.SGD(0.5)), 3, *callbacks)
    assert history["phase"] == [0, 0, 1]
    assert history["trainable_params"] == [6, 6, 24]
    assert history["learning_rate/head"] == [0.5, 0.5, 0.5]
    assert history["learning_rate/stage_2"] == [0.0, 0.0, 0.25]
    assert history["learning_rate/stem"] == [0.0] * 3
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["phase"] for row in rows] == ["0", "0", "1"]
    assert [row["learning_rate/stage_2"] for row in rows][2] == "0.25"


@net.tensorflow_only
def test_the_logs_reach_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    import tensorflow as tf

    board = keras.callbacks.TensorBoard(tmp_path)
    net.train(net.compiled(), 3, board, probe_then_all())
    (file,) = (tmp_path / "train").glob("events*")
    found = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            if value.tag == "epoch_phase":
                found[event.step] = float(tf.make_ndarray(value.tensor))
    assert found == {0: 0.0, 1: 0.0, 2: 1.0}


def test_the_progress_bar_is_not_made_longer(capsys):
    net.train(net.compiled(), 1, ks.LinearProbe(), verbose=2)
    printed = capsys.readouterr().out
    assert "loss" in printed
    assert "learning_rate/" not in printed


@pytest.mark.parametrize("position", [0, 1])
def test_early_stopping_advances_until_the_last_phase(position):
    stopper = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=100.0)
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Epochs(9)),
            ks.Phase(["stage_2", "head"], until=ks.Epochs(9)),
            ks.Phase("*"),
        ]
    )
    callbacks = [stopper]
    callbacks.insert(position, schedule)
    history = net.train(net.compiled(), 30, *callbacks)
    # Each phase has one epoch that counts as an improvement, and two that do
    # not; the last one then stops training.
    assert history["phase"] == [0] * 3 + [1] * 3 + [2] * 3
    assert stopper.stopped_epoch == 8


def test_early_stopping_counts_anew_after_a_transition():
    stopper = keras.callbacks.EarlyStopping("loss", patience=3, min_delta=100.0)
    history = net.train(net.compiled(), 30, stopper, probe_then_all())
    assert history["phase"] == [0] * 2 + [1] * 4


def test_so_it_does_with_a_baseline_that_is_never_reached():
    stopper = keras.callbacks.EarlyStopping(
        "loss", patience=3, baseline=-200.0, min_delta=100.0
    )
    history = net.train(net.compiled(), 30, stopper, probe_then_all())
    assert history["phase"] == [0] * 2 + [1] * 3


def test_what_early_stopping_decided_is_saved(tmp_path):
    stopper = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=100.0)
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    schedule = probe_then_all(ks.Epochs(9))
    net.train(net.compiled(), 10, saver, schedule, stopper)
    saved = keras.saving.load_model(tmp_path / "2.keras")
    assert saved.optimizer.memory.schedule_state["phase"] == 1


@pytest.mark.parametrize("position", [0, 1])
def test_other_reasons_to_stop_are_not_vetoed(position):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    callbacks = [Stop()]
    callbacks.insert(position, probe_then_all(ks.Epochs(5)))
    assert net.train(net.compiled(), 9, *callbacks)["phase"] == [0, 0]


def test_a_stop_within_an_epoch_is_not_vetoed_either():
    """As by `TerminateOnNaN`, in the epoch in which EarlyStopping asks, too."""

    class StopInBatch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if self.epoch == 1:
                self.model.stop_training = True

    stopper = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=100.0)
    schedule = probe_then_all(ks.Epochs(5))
    history = net.train(net.compiled(), 9, StopInBatch(), stopper, schedule)
    assert stopper.stopped_epoch == 1
    assert history["phase"] == [0, 0]


def test_a_loss_that_is_nan_ends_training():
    model = net.compiled()
    history = model.fit(
        np.full_like(net.IMAGES, np.nan),
        net.LABELS,
        epochs=9,
        verbose=0,
        callbacks=[keras.callbacks.TerminateOnNaN(), probe_then_all()],
    )
    assert history.history["phase"] == [0]


def test_learning_rate_callbacks_steer_the_base_rate():
    halve = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 0.5 ** (epoch + 1)
    )
    model = net.compiled(keras.optimizers.SGD(1.0))
    history = net.train(model, 3, halve, probe_then_all())
    assert history["learning_rate"] == [0.5, 0.25, 0.125]
    assert history["learning_rate/head"] == [0.5, 0.25, 0.125]
    assert history["learning_rate/stage_2"] == [0.0, 0.0, 0.0625]


def test_reduce_on_plateau_works_unchanged():
    reduce = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=1, min_delta=100.0
    )
    model = net.compiled(keras.optimizers.SGD(1.0))
    history = net.train(model, 4, probe_then_all(), reduce)
    assert history["learning_rate/head"] == [1.0, 1.0, 0.5, 0.25]


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [1, 2, 0]])
def test_a_metric_of_another_callback_may_end_a_phase(order):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = float(epoch)

    schedule = probe_then_all(ks.Threshold("score", 1.0))
    callbacks = [Score(), schedule, keras.callbacks.History()]
    history = net.train(net.compiled(), 3, *[callbacks[i] for i in order])
    assert history["phase"] == [0, 0, 1]


def test_a_model_checkpoint_of_the_best_epoch_is_whole(tmp_path):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = float(epoch)

    saver = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras",
        monitor="score",
        mode="max",
        save_best_only=True,
    )
    model = net.compiled()
    net.train(model, 3, saver, Score(), probe_then_all())
    saved = keras.saving.load_model(tmp_path / "best.keras")
    assert net.same(net.values(model), net.values(saved))
    assert net.same(net.moments(model), net.moments(saved))


def test_a_function_may_end_a_phase():
    asked = []

    def after_two(epoch, logs):
        asked.append((epoch, "loss" in logs))
        return epoch == 1

    history = net.train(net.compiled(), 3, probe_then_all(after_two))
    assert history["phase"] == [0, 0, 1]
    assert asked == [(0, True), (1, True)]


def test_the_first_condition_that_is_met_ends_a_phase():
    until = (ks.Plateau("loss", patience=9), ks.Epochs(1))
    history = net.train(net.compiled(), 2, probe_then_all(until))
    assert history["phase"] == [0, 1]


def test_after_a_last_phase_that_ends_training_stops():
    schedule = ks.FreezeSchedule([ks.Phase("head", until=ks.Epochs(2))])
    assert net.train(net.compiled(), 9, schedule)["phase"] == [0, 0]


def test_a_plateau_is_counted_anew_in_each_phase():
    """A worse loss after the thaw does not end the new phase at once."""
    losses = iter([1.0, 1.0, 5.0, 4.0, 4.0, 9.0])

    class Losses(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["given"] = next(losses)

    plateau = ks.Plateau("given", patience=1, mode="min")
    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=plateau),
            ks.Phase("stage_2", until=plateau),
            ks.Phase("*"),
        ]
    )
    history = net.train(net.compiled(), 6, Losses(), schedule)
    assert history["phase"] == [0, 0, 1, 1, 1, 2]


def test_the_best_epoch_of_a_phase_comes_back_with_its_moments():
    scores = iter([0.5, 0.9, 0.1, 0.3, 0.2])
    seen = []

    class Scores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = next(scores)
            seen.append((net.values(self.model), net.moments(self.model)))

    class AtBegin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.found = (net.values(self.model), net.moments(self.model))

    schedule = ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Epochs(3), restore_best="score"),
            ks.Phase(["stage_2", "head"], restore_best="score"),
        ]
    )
    model, begin = net.compiled(), AtBegin()
    model.optimizer.learning_rate = 0.01
    net.train(model, 5, Scores(), begin, schedule)
    weights, moments = begin.found
    assert net.same(weights, seen[1][0])
    best = {k: v for k, v in seen[1][1].items() if k != "iterations"}
    assert {k: moments[k] for k in best}.keys() == best.keys()
    assert not net.changed(best, moments)
    # Schedules of learning rates go on.
    assert moments["iterations"] == 9
    # At the end of training that of the last phase comes back, too.
    assert net.same(net.values(model), seen[3][0])
    assert not net.same(seen[3][0], seen[4][0])


def test_a_missing_metric_is_named():
    with pytest.raises(ValueError, match="'val_loss', which the epoch did not"):
        net.train(net.compiled(), 9, ks.UnfreezeOnPlateau())


@pytest.mark.parametrize("position", [0, 1])
def test_early_stopping_gives_back_the_best_epoch_of_all_phases(position):
    scores, seen = iter([0.5, 0.9, 0.1, 0.3, 0.2]), []

    class Scores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = next(scores)
            seen.append(net.values(self.model))

    stopper = keras.callbacks.EarlyStopping(
        "score", mode="max", patience=9, restore_best_weights=True
    )
    callbacks = [Scores(), stopper]
    callbacks.insert(position, probe_then_all(ks.Epochs(3)))
    model = net.compiled()
    net.train(model, 5, *callbacks)
    assert (stopper.best_epoch, stopper.best) == (1, 0.9)
    assert net.same(net.values(model), seen[1])
    assert not net.same(seen[1], seen[3])
