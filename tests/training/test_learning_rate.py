"""The range test finds a rate, and leaves the model as it was."""

import keras
import numpy as np
import pytest
from keras import optimizers

import keras_transfer as kt
from keras_transfer import schedules as ks
from keras_transfer.training.learning_rate_curve import LearningRateCurve

BACKEND = keras.backend.backend()
IMAGES = np.random.default_rng(0).random((40, 6, 6, 3), "float32") * 255
LABELS = (IMAGES.mean((1, 2, 3)) > 127).astype("int32")

OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(use_ema=True),
    "schedule": lambda: optimizers.Adam(
        optimizers.schedules.ExponentialDecay(1e-3, 10, 0.9)
    ),
    "wrapped": lambda: kt.wrap_optimizer(optimizers.SGD(0.1, momentum=0.9)),
    "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.Adam()),
}


def network(optimizer="adam", fitted=True):
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(8, 3, name="conv")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    backbone = keras.Model(image, keras.layers.ReLU(name="relu")(x))
    head = kt.heads.MLPHead(2, hidden_units=(4,), dropout=0.3)
    model = kt.build_model(backbone, head)
    kt.freeze(model)
    model.compile(
        OPTIMIZERS[optimizer](),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    if fitted:
        model.fit(IMAGES, LABELS, verbose=0)
    return model


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    variables += [v for metric in model.metrics for v in metric.variables]
    return {
        "values": [keras.ops.convert_to_numpy(v).tobytes() for v in variables],
        "flags": [weight.trainable for weight in model.weights],
        "layers": [layer.trainable for layer in model._flatten_layers()],
        "optimizer": model.optimizer,
        "functions": [model.train_function, model.test_function],
        "random": [np.random.get_state()[1].tobytes()],
        "rest": [model.stop_training, model.steps_per_execution],
        "info": kt.info(model).history,
    }


class Stop(Exception):
    """What the user or the data may raise at any step."""


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "schedule",
    [None, ks.FreezeSchedule([ks.Phase("*", batch_norm="full")])],
    ids=["present", "phase"],
)
def test_everything_comes_back_bit_for_bit(optimizer, schedule):
    model = network(optimizer)
    before = state(model)
    curve = kt.find_learning_rate(
        model, IMAGES, LABELS, schedule=schedule, steps=20, verbose=0
    )
    assert len(curve.losses) > 5
    assert state(model) == before


def test_training_afterwards_is_what_it_would_have_been():
    # With averages of weights, Keras cannot call `fit` twice on JAX.
    optimizer = "schedule" if BACKEND == "jax" else "adam"
    twin = network(optimizer)
    twin.fit(IMAGES, LABELS, verbose=0)
    other = network(optimizer)
    kt.find_learning_rate(other, IMAGES, LABELS, steps=20, verbose=0)
    other.fit(IMAGES, LABELS, verbose=0)
    assert state(other)["values"] == state(twin)["values"]


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_everything_comes_back_after_an_error(error, monkeypatch):
    model = network()
    before = state(model)

    def fail(self, epoch, logs=None):
        raise error

    monkeypatch.setattr(
        "keras_transfer.training.learning_rate._RangeTest.on_train_end", fail
    )
    with pytest.raises(error):
        kt.find_learning_rate(model, IMAGES, LABELS, steps=20, verbose=0)
    assert state(model) == before


def test_a_model_that_never_trained_comes_back_untrained():
    model = network(fitted=False)
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.weights]
    kt.find_learning_rate(model, IMAGES, LABELS, steps=20, verbose=0)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)
    assert not model.optimizer.built or model.optimizer.iterations == 0


def test_the_first_phase_decides_what_trains():
    model = network()
    opened = []

    class Watch(ks.FreezeSchedule):
        def phases_for(self, model, epochs=None):
            opened.append(True)
            return super().phases_for(model, epochs)

    schedule = Watch([ks.Phase("nothing_like_it")])
    with pytest.raises(ValueError, match="nothing_like_it"):
        kt.find_learning_rate(model, IMAGES, LABELS, schedule=schedule)
    assert opened


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only it has the cache")
def test_features_are_used_where_they_can_be(capsys):
    model = network()
    cached = kt.find_learning_rate(model, IMAGES, LABELS, steps=20)
    assert "no cache" not in capsys.readouterr().err
    plain = kt.find_learning_rate(model, IMAGES, LABELS, steps=20, cache=False)
    np.testing.assert_allclose(cached.losses, plain.losses, rtol=1e-4)
    model.get_layer(model.layers[-2].name).trainable = True
    kt.find_learning_rate(model, IMAGES, LABELS, steps=20)
    assert "no cache, because nothing is frozen" in capsys.readouterr().err


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return IMAGES[part], LABELS[part]


@pytest.mark.parametrize("data", [Batches, lambda: (IMAGES, LABELS)])
def test_data_may_be_what_fit_takes(data):
    curve = kt.find_learning_rate(network(), data(), steps=20, verbose=0)
    assert len(curve.rates) == len(curve.losses) > 3


def test_the_suggestion_learns_a_higher_rate_diverges_a_lower_one_is_slow():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8)).astype("float32")
    y = x @ rng.normal(size=(8, 1)) + rng.normal(size=(256, 1))
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rate = kt.find_learning_rate(model, x, y).suggestion
    start = model.get_weights()

    def loss_at(rate):
        model.set_weights(start)
        model.compile(optimizers.SGD(rate), "mse")
        return model.fit(x, y, epochs=5, verbose=0).history["loss"][-1]

    assert loss_at(rate) < 2
    assert loss_at(rate / 100) > 3
    assert not loss_at(rate * 10) < 3


def curve(losses, **options):
    return LearningRateCurve(
        np.geomspace(1e-5, 1, len(losses)), np.array(losses), **options
    )


def test_each_rule_suggests_a_rate_on_the_way_down():
    place = np.linspace(0, 1, 101)
    # Flat to 1e-4, down to 1e-2, flat to 1e-1, then up.
    losses = 2 - 1.5 * np.clip((place - 0.2) / 0.4, 0, 1)
    losses += 20 * np.clip(place - 0.8, 0, 1)
    found = curve(losses)
    assert 1e-4 < found.suggestions["steepest"] < 1e-2
    assert 1e-4 < found.suggestions["valley"] < 1e-1
    assert found.suggestion == found.suggestions["minimum"]
    lowest = found.rates[np.argmin(found.smoothed)]
    assert found.suggestion == pytest.approx(lowest / 10)
    sgd = curve(losses, divisor=2.0)
    assert sgd.suggestion == pytest.approx(5 * found.suggestion)
    assert float(curve(losses, rule="valley")) == found.suggestions["valley"]
    assert "valley" in str(found)


def test_the_picture(tmp_path):
    found = curve(np.linspace(2, 1, 20))
    axes = found.plot(tmp_path / "curve.png").axes[0]
    assert axes.get_xscale() == "log"
    assert (tmp_path / "curve.png").stat().st_size > 1000
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"minimum: {found.suggestion:.2g}" in texts
    assert found._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rule": "steep"}, "Unknown rule 'steep'"),
        ({"lowest": 0}, "Expected learning rates 0 < lowest"),
        ({"lowest": 2, "highest": 1}, "Expected learning rates 0 < lowest"),
        ({"steps": 3}, "steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"cache": "none"}, "`cache` must be"),
    ],
)
def test_arguments_are_checked(arguments, words):
    with pytest.raises(ValueError, match=words):
        kt.find_learning_rate(
            network(fitted=False), IMAGES, LABELS, **arguments
        )


def test_a_generator_is_refused():
    with pytest.raises(ValueError, match="cannot be read twice"):
        kt.find_learning_rate(network(), iter([(IMAGES, LABELS)]))


def test_a_model_must_be_compiled():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="is not compiled, or not built"):
        kt.find_learning_rate(model, np.eye(4), np.ones((4, 1)))


def test_a_loss_that_is_nan_from_the_start():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", lambda y, p: keras.ops.mean(p) * float("nan"))
    with pytest.raises(ValueError, match="is not finite at 1e-06"):
        kt.find_learning_rate(model, np.eye(4), np.ones((4, 1)))
