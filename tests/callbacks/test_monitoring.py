"""One notion of a monitored value."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer import schedules as ks
from keras_transfer.callbacks import monitoring
from keras_transfer.callbacks import training_history
from tests.schedules import networks as net


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", False),
        ("val_score_loss", False),
        ("val_accumulated_error", False),
        ("mse", False),
        ("val_mean_absolute_error", False),
        ("val_mean_io_u", True),
        ("kappa", True),
        ("accuracy", True),
        ("lossless", True),
    ],
)
def test_a_name_alone_has_a_documented_answer(name, expected):
    assert monitoring.rises(name) is expected
    assert monitoring.rises(name, "max")
    assert not monitoring.rises(name, "min")


def compiled(metric):
    model = net.compiled()
    model.compile("sgd", model.loss, metrics=[metric])
    model.train_on_batch(net.IMAGES, net.LABELS)
    return model


def test_the_metric_decides_whatever_it_is_called():
    falling = keras.metrics.SparseCategoricalCrossentropy(name="score")
    assert not monitoring.rises("val_score", model=compiled(falling))
    rising = keras.metrics.SparseCategoricalAccuracy(name="an_error")
    assert monitoring.rises("an_error", model=compiled(rising))


def test_a_metric_that_does_not_say_is_asked_for_before_training():
    def dice(y, p):
        return ops.mean(p)

    model = compiled(dice)
    before = net.values(model)
    with pytest.raises(ValueError, match="'dice' does not say .* mode='max'"):
        net.train(model, 3, ks.UnfreezeOnPlateau("dice", patience=1))
    assert net.same(before, net.values(model))
    schedule = ks.UnfreezeOnPlateau("dice", patience=1, mode="max")
    net.train(compiled(dice), 3, schedule)


@pytest.mark.parametrize("best", ["restore_best_mode", "until"])
def test_the_mode_holds_for_the_best_epoch_of_a_phase(best):
    scores, seen = iter([0.5, 0.1, 0.9]), []

    class Scores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = next(scores)
            seen.append(net.values(self.model))

    options = {"restore_best_mode": "min"}
    if best == "until":
        options = {"until": (ks.Plateau("score", 9, mode="min"), ks.Epochs(3))}
    model = net.compiled()
    phase = ks.Phase("head", restore_best="score", **options)
    net.train(model, 3, Scores(), ks.FreezeSchedule([phase]))
    assert net.same(net.values(model), seen[1])
    assert not net.same(seen[1], seen[2])


def test_an_unknown_mode_of_the_best_epoch_is_refused():
    with pytest.raises(ValueError, match="`restore_best_mode` must be 'auto'"):
        ks.Phase("*", restore_best="loss", restore_best_mode="up")


def test_a_vector_has_no_best():
    with pytest.raises(ValueError, match="'f1' has 3 values"):
        monitoring.read({"f1": np.ones(3)}, "f1")


def test_vectors_travel_in_the_history():
    figure = training_history._figure
    assert figure(np.array([0.5, np.nan])) == [0.5, None]
    assert figure(np.float32(0.5)) == 0.5
    assert figure(np.inf) is None
    assert figure(np.ones(1000)) is None
