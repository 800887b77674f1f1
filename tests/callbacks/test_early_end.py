"""What has ended training early is said by `fit`."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from tests.conftest import build_tiny

X = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
Y = np.arange(4) % 2


class Report(keras.callbacks.Callback):
    """Adds a value to the logs of each epoch."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def on_epoch_end(self, epoch, logs=None):
        logs["ratio"] = self.value


def fit(*callbacks, verbose=0):
    model = kt.compile_for_transfer(
        kt.build_model(build_tiny(), kt.heads.LinearHead(2))
    )
    return model.fit(X, Y, epochs=4, verbose=verbose, callbacks=[*callbacks])


def stopper(**options):
    return keras.callbacks.EarlyStopping("ratio", mode="max", **options)


def test_a_training_that_goes_on_to_its_end_was_ended_by_nothing():
    assert fit().ended_by is None


def test_early_stopping_is_named_on_stderr_too(capsys):
    history = fit(Report(1.0), stopper(patience=1), verbose=2)
    expected = "Training ended after 2 of 4 epochs: EarlyStopping stopped it"
    assert history.ended_by.startswith(expected)
    assert expected in capsys.readouterr().err


def test_a_metric_that_is_nan_stops_nothing_silently():
    with pytest.warns(UserWarning, match="'ratio' is NaN, so that EarlyStop"):
        history = fit(Report(np.nan), stopper(patience=1))
    assert "as 'ratio' is NaN" in history.ended_by


def test_a_schedule_whose_last_phase_is_over_is_named():
    schedule = ks.FreezeSchedule([ks.Phase("head", until=ks.Epochs(2))])
    assert "last phase of FreezeSchedule" in fit(schedule).ended_by


def test_another_callback_is_among_those_named():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    assert "['Stop']" in fit(Stop()).ended_by


def test_fine_tuning_tells_it_too():
    model = kt.build_model(build_tiny(), kt.heads.LinearHead(2))
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda e, logs: setattr(model, "stop_training", e == 1)
    )
    history = kt.fine_tune(model, (X, Y), epochs=4, verbose=0, callbacks=[stop])
    assert history.ended_by.startswith("Training ended after 2 of 4 epochs")


def test_a_phase_that_ends_since_a_metric_is_nan_says_so():
    schedule = ks.FreezeSchedule(
        [ks.Phase("head", until=ks.Plateau("ratio", 1)), ks.Phase("*")]
    )
    with pytest.warns(UserWarning, match="'ratio' is NaN, which the schedule"):
        assert fit(Report(np.nan), schedule).history["phase"] == [0, 0, 1, 1]
