"""What Keras alone takes in silence is a sentence here, at every door."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.checks import classifier_loss
from tests.conftest import build_tiny

PROBABILITIES = keras.losses.SparseCategoricalCrossentropy()
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
LABELS = np.array([0, 1, 2, 0])


def build(activation="auto"):
    head = kt.heads.LinearHead(3, activation=activation)
    return kt.build_model(build_tiny(), head)


def images():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (4, 32, 32, 3)).astype("float32")


def with_nan():
    spoiled = images()
    spoiled[3, 5, 5, 0] = np.nan
    spoiled[2, 0, 0, 1] = np.inf
    return spoiled


def fit(model, x, y):
    kt.compile_for_transfer(model).fit(x, y, verbose=0)


def fit_with_validation(model, x, y):
    data = {"validation_data": (x, y)}
    kt.compile_for_transfer(model).fit(images(), LABELS, verbose=0, **data)


def kt_fit(model, x, y):
    """Of a model that was compiled by Keras alone, and cached."""
    kt.freeze(model)
    model.compile("adam", PROBABILITIES)
    kt.fit(model, x, y, verbose=0)


def fine_tune(model, x, y):
    model.compile("adam", PROBABILITIES)
    kt.fine_tune(model, (x, y), epochs=2, verbose=0)


def dataset(model, x, y):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    model.compile("adam", PROBABILITIES)
    kt.fit(model, data, verbose=0)


TRAINING = [fit, fit_with_validation, kt_fit, fine_tune, dataset]


@pytest.mark.parametrize("door", TRAINING)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (with_nan(), LABELS, "Received NaN or infinity in 2 places"),
        (images() > 99, LABELS, "Received booleans.*'uint8'"),
        (images(), LABELS + 0.5, "whole class numbers. Received .*0.5"),
        (images(), np.eye(3)[LABELS], r"one-hot.*'sparse_.*argmax\(-1\)"),
    ],
    ids=["NaN", "booleans", "float labels", "one-hot labels"],
)
def test_training_refuses(door, x, y, message):
    model = build()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        door(model, x, y)
    assert model.optimizer.iterations == 0
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("door", [fit, fit_with_validation, kt_fit, fine_tune])
def test_training_refuses_an_empty_batch(door):
    with pytest.raises(ValueError, match="There is no image"):
        door(build(), images()[:0], LABELS[:0])


@pytest.mark.parametrize("door", TRAINING)
def test_training_warns_of_scaled_pixels(door):
    # Warnings are errors in these tests, so no step is taken.
    with pytest.raises(UserWarning, match="expects 0 to 255.*Leave out"):
        door(build(), images() / 255, LABELS)


def test_training_refuses_images_without_a_batch_axis():
    import tensorflow as tf

    single = tf.data.Dataset.from_tensor_slices((images(), LABELS))
    model = kt.compile_for_transfer(build())
    with pytest.raises(ValueError, match=r"batch axis.*dataset\.batch\(32\)"):
        model.fit(single, verbose=0)


def test_class_numbers_under_a_loss_for_one_hot_labels_are_refused():
    model = kt.compile_for_transfer(build(), one_hot=True)
    with pytest.raises(ValueError, match="class numbers.*to_categorical"):
        model.fit(images(), LABELS, verbose=0)


@pytest.mark.parametrize(
    ("activation", "loss", "message"),
    [
        (None, PROBABILITIES, "ends in logits.*from_logits=True"),
        (None, "sparse_categorical_crossentropy", "ends in logits"),
        ("auto", LOGITS, "ends in probabilities.*from_logits=False"),
    ],
)
def test_a_loss_that_misreads_the_outputs_is_refused(activation, loss, message):
    model = build(activation)
    with pytest.raises(ValueError, match=message):
        kt.compile_for_transfer(model, loss=loss)
    model.compile("adam", loss)
    with pytest.raises(ValueError, match=message):
        kt.fit(model, images(), LABELS, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.fit(
            images(),
            LABELS,
            verbose=0,
            callbacks=[kt.schedules.LinearProbe()],
        )


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(None, LOGITS), ("auto", PROBABILITIES), (None, "mse"), ("auto", None)],
)
def test_a_loss_that_fits_or_is_no_comparison_is_taken(activation, loss):
    classifier_loss.check_loss(build(activation), loss)


def test_a_last_layer_that_does_not_tell_is_taken():
    class Own(keras.layers.Layer):
        def call(self, x):
            return keras.ops.softmax(x)

    model = keras.Sequential([keras.Input((3,)), Own()])
    classifier_loss.check_loss(model, "categorical_crossentropy")


def regressor():
    image = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, keras.layers.Dense(1)(x))


def test_numbers_to_predict_are_no_labels():
    model = regressor()
    model.compile("adam", "mse")
    kt.fit(model, images(), LABELS + 0.5, verbose=0)
    assert model.optimizer.iterations == 1


def fit_quickly(model, optimizer, **data):
    kt.compile_for_transfer(model, optimizer).fit(images(), LABELS, **data)


def kt_fit_quickly(model, optimizer, **data):
    model.compile(optimizer, PROBABILITIES)
    kt.fit(model, images(), LABELS, **data)


def fine_tune_quickly(model, optimizer, **data):
    model.compile(optimizer, PROBABILITIES)
    kt.fine_tune(model, (images(), LABELS), **data)


@pytest.mark.parametrize(
    "door", [fit_quickly, kt_fit_quickly, fine_tune_quickly]
)
def test_a_loss_of_nan_ends_training_with_an_error(door):
    optimizer = keras.optimizers.SGD(1e30)
    message = r"became (nan|inf) in epoch \d, batch \d.*now 1e\+30"
    with pytest.raises(ValueError, match=message):
        door(build(), optimizer, epochs=5, batch_size=2, verbose=0)


def test_who_stops_at_nan_in_another_way_gets_no_error():
    model = kt.compile_for_transfer(build(), keras.optimizers.SGD(1e30))
    stop = keras.callbacks.TerminateOnNaN()
    model.fit(images(), LABELS, epochs=5, verbose=0, callbacks=[stop])
    assert model.stop_training


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (with_nan(), "Received NaN or infinity in 2 places"),
        (images() > 99, "Received booleans"),
        (images()[0, 0], r"expects images of shape \(batch, 32"),
    ],
    ids=["NaN", "booleans", "no image"],
)
def test_prediction_refuses(pixels, message):
    with pytest.raises(ValueError, match=message):
        kt.predict_labels(build(), pixels)
    with pytest.raises(ValueError, match=message):
        kt.grad_cam(build(), pixels)


def test_an_embedding_refuses_nan():
    with pytest.raises(ValueError, match="Received NaN or infinity"):
        kt.embed(build(), with_nan())


def test_a_weights_file_with_more_than_the_model_needs_is_refused(tmp_path):
    """Keras loads the part that fits and says nothing."""
    wide = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)]
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    wide.save_weights(tmp_path / "wide.weights.h5")
    before = model.get_weights()
    with pytest.raises(ValueError, match="not in the model 2, such as"):
        kt.load_weights(model, tmp_path / "wide.weights.h5")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.load_weights(tmp_path / "wide.weights.h5")  # Nothing is raised.
