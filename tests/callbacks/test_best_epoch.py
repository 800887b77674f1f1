import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.callbacks.best_epoch import BestEpoch


class Scripted(keras.callbacks.Callback):
    """Replaces the figures of an epoch, and sets the weights to its number."""

    def __init__(self, figures):
        super().__init__()
        self.figures = figures

    def on_epoch_end(self, epoch, logs=None):
        logs.clear()
        logs.update(self.figures[epoch])
        for weight in self.model.weights:
            weight.assign(np.full(weight.shape, epoch + 1.0))


def build():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def train(model, best, figures):
    model.fit(
        np.eye(2, dtype="float32"),
        np.ones((2, 1), "float32"),
        epochs=len(figures),
        verbose=0,
        callbacks=[Scripted(figures), best],
    )


def fit(figures):
    model, best = build(), BestEpoch()
    train(model, best, figures)
    return model, best


def figures(accuracy, loss=1.0):
    return {"loss": 9.0, "val_accuracy": accuracy, "val_loss": loss}


@pytest.mark.parametrize(
    ("epochs", "best_epoch"),
    [
        ([figures(0.5), figures(0.9), figures(0.8)], 2),
        ([figures(0.9, 3.0), figures(0.9, 1.0), figures(0.9, 2.0)], 2),
        ([figures(0.9), figures(0.9), figures(0.9)], 1),
        ([figures(0.9, 3.0), figures(0.8, 1.0)], 1),
        ([{"loss": 3.0}, {"loss": 1.0}, {"loss": 2.0}], 2),
        ([{"loss": 3.0, "accuracy": 0.9}, {"loss": 1.0, "accuracy": 0.1}], 1),
    ],
)
def test_the_weights_of_the_best_epoch_come_back(epochs, best_epoch):
    model, best = fit(epochs)
    assert best.best == best_epoch
    best.restore()
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, best_epoch)


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_ends_training(name, figure):
    broken = {**figures(0.9), name: figure}
    model, best = build(), BestEpoch()
    with pytest.raises(kt.NaNLossError, match=f"The {name} .* in epoch 2") as e:
        train(model, best, [figures(0.5), broken, figures(1.0)])
    assert (best.best, e.value.epoch) == (1, 2)
    best.restore()
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, 1.0)


def test_an_accuracy_that_is_no_number_is_not_the_best():
    nan = float("nan")
    with pytest.warns(UserWarning, match="'val_accuracy' is NaN") as told:
        _, best = fit([figures(nan), figures(0.1), figures(nan)])
    said = [w for w in told if "'val_accuracy' is NaN" in str(w.message)]
    assert (best.best, len(said)) == (2, 1)


@pytest.mark.parametrize(
    ("monitor", "mode", "best_epoch"),
    [
        ("val_loss", "auto", 2),
        ("val_accuracy", "min", 3),
        ("val_kappa", "max", 1),
        ("val_kappa", "min", 3),
        ("val_kappa_error", "auto", 2),
    ],
)
def test_another_metric_may_decide(monitor, mode, best_epoch):
    model, best = build(), BestEpoch(monitor, mode)
    rows = [(0.9, 3.0, 0.9, 3.0), (0.8, 1.0, 0.5, 1.0), (0.7, 2.0, 0.1, 2.0)]
    names = ("val_accuracy", "val_loss", "val_kappa", "val_kappa_error")
    train(
        model,
        best,
        [{"loss": 9.0, **dict(zip(names, r, strict=True))} for r in rows],
    )
    assert best.best == best_epoch


def test_a_metric_that_is_not_reported_is_named():
    with pytest.raises(ValueError, match="'val_auc', which the epoch did not"):
        train(build(), BestEpoch("val_auc"), [figures(0.5)])


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="`mode` must be 'auto', 'min' or"):
        BestEpoch("loss", mode="up")


def test_before_the_first_epoch_restoring_changes_nothing():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    before = model.get_weights()
    best = BestEpoch()
    best.set_model(model)
    best.restore()
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_one_instance_serves_two_runs():
    model, best = fit([figures(0.5), figures(0.9)])
    assert best.best == 2
    train(model, best, [figures(0.1)])
    assert best.best == 1
