"""Fine-tuning in one call."""

import keras
import numpy as np
import pytest

import keras_transfer as kt


def data(count=8):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (count, 32, 32, 3)).astype("float32")
    return x, np.arange(count) % 2


def copy(model):
    return [keras.ops.convert_to_numpy(w).copy() for w in model.weights]


def test_the_head_trains_first_then_everything_the_lower_the_slower(
    tiny_model,
):
    history = kt.fine_tune(tiny_model, data(), epochs=4, verbose=0).history
    assert history["phase"] == [0, 1, 1, 1]
    last = {
        name.removeprefix("learning_rate/"): rates[-1]
        for name, rates in history.items()
        if name.startswith("learning_rate/")
    }
    rates = [last[name] for name in ("stem", "stage_1", "stage_2", "head")]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(1e-6)
    assert rates[-1] == pytest.approx(1e-4)
    assert history["learning_rate/stem"][0] == 0


def test_during_the_probe_the_backbone_stands_still(tiny_model):
    before = copy(tiny_model)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(copy(self.model))

    kt.fine_tune(
        tiny_model,
        data(),
        epochs=3,
        probe_epochs=2,
        callbacks=[Look()],
        verbose=0,
    )
    moved = [
        {
            weight.path.split("/")[0]
            for weight, old, new in zip(
                tiny_model.weights, before, after, strict=True
            )
            if not np.array_equal(old, new)
        }
        for after in seen
    ]
    assert moved[0] == moved[1] == {"head"}
    assert moved[2] == {"head", "conv_1", "conv_2", "conv_3"}  # BN is frozen.


def test_the_model_ends_with_its_best_epoch(tiny_model):
    x, y = data()
    history = kt.fine_tune(
        tiny_model, (x, y), (x, y), epochs=6, learning_rate=0.05, verbose=0
    ).history
    found = tiny_model.evaluate(x, y, verbose=0, return_dict=True)
    assert found["accuracy"] == max(history["val_accuracy"])


def test_a_compiled_model_keeps_its_loss_and_rate(tiny_model):
    tiny_model.compile(
        keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy"
    )
    history = kt.fine_tune(tiny_model, data(), epochs=2, verbose=0).history
    assert tiny_model.loss == "sparse_categorical_crossentropy"
    assert history["learning_rate/head"] == pytest.approx([0.5, 0.05])


@pytest.mark.parametrize("epochs", [1, 0, 2.5, True])
def test_one_epoch_is_too_few(tiny_model, epochs):
    with pytest.raises(ValueError, match="`epochs` must be a whole number of"):
        kt.fine_tune(tiny_model, data(), epochs=epochs)


def test_a_probe_that_takes_all_epochs_is_refused(tiny_model):
    before = copy(tiny_model)
    with pytest.raises(ValueError, match="fine_tune"):
        kt.fine_tune(tiny_model, data(), epochs=3, probe_epochs=3)
    for old, new in zip(before, copy(tiny_model), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)
def test_the_features_of_the_frozen_backbone_are_computed_once(tiny_model):
    """The backbone's output for each image, one time for two probe epochs."""
    computed, x_y = [], data(10)

    class Watch(keras.callbacks.Callback):
        def on_features_batch_end(self, rows):
            computed.append(rows)

    options = {"epochs": 3, "probe_epochs": 2, "batch_size": 4, "verbose": 0}
    keras.utils.set_random_seed(0)
    cached = keras.models.clone_model(tiny_model)
    plain = keras.models.clone_model(tiny_model)
    plain.set_weights(cached.get_weights())
    for model, cache in ((cached, {}), (plain, {"cache": False})):
        keras.utils.set_random_seed(0)
        kt.fine_tune(
            model, x_y, callbacks=[Watch()], shuffle=False, **cache, **options
        )
    # The images themselves are what is read once everything trains.
    assert computed == [4, 8, 10] * 2
    for one, other in zip(
        cached.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
