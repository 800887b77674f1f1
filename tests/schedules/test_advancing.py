"""A phase that somebody ends by hand: a call, a file, a signal."""

import os
import pathlib
import signal
import threading

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from tests.optimizer import networks as net

PARTS = ("head", "hidden", "head")


def schedule(until=ks.Manual):
    phases = [ks.Phase(part, until=until()) for part in PARTS[:-1]]
    return ks.FreezeSchedule([*phases, ks.Phase(PARTS[-1])])


class InEpoch(keras.callbacks.Callback):
    """Does something in the first batch of some epochs."""

    def __init__(self, act, *epochs):
        super().__init__()
        self.act, self.epochs = act, epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch in self.epochs and batch == 0:
            self.act()


def compiled():
    model = net.compiled_dense("adam")
    model.compile("adam", loss=net.LOSS, run_eagerly=True)
    return model


def phases_of(schedule, act, *epochs, total=4, **arguments):
    callbacks = [InEpoch(act, *epochs), schedule]
    return net.train(compiled(), total, callbacks, **arguments).history["phase"]


def test_the_next_phase_begins_with_the_next_epoch():
    made = schedule()
    assert phases_of(made, made.advance, 1, 2) == [0, 0, 1, 2]


def test_another_thread_may_ask():
    made = schedule()

    def ask():
        thread = threading.Thread(target=made.advance)
        thread.start()
        thread.join()

    assert phases_of(made, ask, 0) == [0, 1, 1, 1]


def test_asking_twice_in_an_epoch_moves_on_once():
    made = schedule()

    def ask():
        made.advance()
        made.advance()

    assert phases_of(made, ask, 0) == [0, 1, 1, 1]


def test_a_phase_that_would_end_by_itself_ends_once():
    made = schedule(lambda: ks.Epochs(1))
    assert phases_of(made, made.advance, 0) == [0, 1, 2, 2]


def test_in_the_last_phase_it_ends_the_training():
    made = schedule()
    assert phases_of(made, made.advance, 0, 1, 2, total=9) == [0, 1, 2]


def test_a_request_of_an_earlier_training_is_forgotten():
    made = schedule()

    class Failure(Exception):
        pass

    def ask_and_fail():
        made.advance()
        raise Failure

    with pytest.raises(Failure):
        phases_of(made, ask_and_fail, 0)
    assert phases_of(made, made.advance, 2) == [0, 0, 0, 1]


def test_without_a_training_there_is_nothing_to_end():
    made = schedule()
    with pytest.raises(ValueError, match="No training with this FreezeSch"):
        made.advance()
    phases_of(made, made.advance, 0)
    with pytest.raises(ValueError, match="No training with this FreezeSch"):
        made.advance()


def test_a_file_moves_on_and_is_consumed(tmp_path):
    file = tmp_path / "move_on"
    made = schedule().advance_on(file)
    assert phases_of(made, file.touch, 1) == [0, 0, 1, 1]
    assert not file.exists()


def test_a_folder_is_no_such_file(tmp_path):
    made = schedule().advance_on(tmp_path)
    with pytest.raises(ValueError, match="must be the path of a file"):
        phases_of(made, made.advance, 0)
    assert tmp_path.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="about POSIX")
def test_a_signal_moves_on_while_fit_runs():
    former = signal.getsignal(signal.SIGUSR1)
    made = schedule().advance_on(signal_number=signal.SIGUSR1)

    def send():
        os.kill(os.getpid(), signal.SIGUSR1)

    assert phases_of(made, send, 1) == [0, 0, 1, 1]
    assert signal.getsignal(signal.SIGUSR1) is former


def test_a_signal_needs_the_main_thread():
    made = schedule().advance_on(signal_number=signal.SIGINT)
    found = []

    def train():
        with pytest.raises(ValueError, match="in the main thread") as error:
            phases_of(made, made.advance, 0)
        found.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found


@pytest.mark.parametrize("until", [ks.Manual, lambda: ks.Epochs(2)])
def test_a_resumed_run_is_in_the_phase_that_was_asked_for(until, tmp_path):
    made = schedule(until)
    whole = compiled()
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    net.train(whole, 5, [InEpoch(made.advance, 0), made, saver])
    resumed = kt.load_model(tmp_path / "1.keras")
    resumed.run_eagerly = True
    history = net.train(resumed, 5, [schedule(until)], initial_epoch=1).history
    assert history["phase"] == ([1] * 4 if until is ks.Manual else [1, 1, 2, 2])
    assert net.same_weights(whole, resumed)
    # Without that state, the phase of a later epoch cannot be told.
    loaded = kt.load_model(tmp_path / "1.keras")
    with pytest.raises(ValueError, match="do not follow from the epoch"):
        net.train(loaded, 5, [schedule(until)], initial_epoch=3)


def test_cached_training_moves_on_as_well():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="conv")(image)
    backbone = keras.Model(image, x, name="backbone")
    images = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3))
    labels = np.arange(8) % 2
    outcomes = []
    for cache in (False, "memory"):
        keras.utils.set_random_seed(0)
        model = kt.build_model(
            keras.models.clone_model(backbone), kt.heads.LinearHead(2)
        )
        kt.compile_for_transfer(model)
        made = ks.FreezeSchedule(
            [ks.Phase("head", until=ks.Manual()), ks.Phase("*")]
        )
        history = kt.fit(
            model,
            images,
            labels,
            epochs=3,
            batch_size=8,
            shuffle=False,
            verbose=0,
            cache=cache,
            callbacks=[InEpoch(made.advance, 0), made],
        ).history
        assert history["phase"] == [0, 1, 1]
        outcomes.append(net.values(model))
    plain, cached = outcomes
    assert not net.changed(plain, cached)


def test_phases_that_end_by_hand_are_written_and_read():
    data = schedule().to_data()
    assert data["phases"][0]["until"] == {"manual": {}}
    assert ks.Schedule.from_data(data).phases == list(schedule().phases)
    file = pathlib.Path("unused")
    assert schedule().advance_on(file).to_data() == data
