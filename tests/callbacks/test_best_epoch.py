import keras
import numpy as np
import pytest

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


def fit(figures):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    best = BestEpoch()
    model.fit(
        np.eye(2, dtype="float32"),
        np.ones((2, 1), "float32"),
        epochs=len(figures),
        verbose=0,
        callbacks=[Scripted(figures), best],
    )
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
def test_a_figure_that_is_not_finite_ends_training(figure):
    model, best = fit([figures(0.5), figures(0.9, figure), figures(1.0)])
    assert (best.best, best.diverged) == (1, 2)
    assert best.history == {
        "loss": [9.0],
        "val_accuracy": [0.5],
        "val_loss": [1.0],
    }
    best.restore()
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, 1.0)


def test_before_the_first_epoch_restoring_changes_nothing():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    before = model.get_weights()
    best = BestEpoch()
    best.set_model(model)
    best.restore()
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_one_instance_serves_two_runs():
    model, best = fit([figures(0.9), figures(0.5)])
    model.fit(
        np.eye(2, dtype="float32"),
        np.ones((2, 1), "float32"),
        verbose=0,
        callbacks=[Scripted([figures(0.1)]), best],
    )
    assert best.best == 1
    assert best.history["val_accuracy"] == [0.1]
