"""Compilation with the loss that fits, data checked before the first step."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.checks.outputs import output_activation
from tests.conftest import build_tiny


def build(num_classes=3, activation="auto", compiled=True, **arguments):
    head = kt.heads.LinearHead(num_classes, activation=activation)
    model = kt.build_model(build_tiny(), head)
    return kt.compile_for_transfer(model, **arguments) if compiled else model


def images(count=4):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (count, 32, 32, 3)).astype("float32")


@pytest.mark.parametrize(
    ("num_classes", "activation", "loss", "from_logits"),
    [
        (3, "auto", "sparse_categorical_crossentropy", False),
        (3, None, "sparse_categorical_crossentropy", True),
        (1, "auto", "binary_crossentropy", False),
        (1, "linear", "binary_crossentropy", True),
    ],
)
def test_the_loss_follows_from_the_head(
    num_classes, activation, loss, from_logits
):
    model = build(num_classes, activation)
    assert model.loss.name == loss
    assert model.loss.get_config()["from_logits"] is from_logits
    y = np.array([0, 1, 0, 1])
    history = model.fit(images(), y, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert np.isfinite(history["loss"]).all()


def test_accuracy_of_a_single_logit_is_split_at_zero():
    model = build(1, None)
    x, y = images(16), np.arange(16) % 2
    logits = model.predict(x, verbose=0)[:, 0]
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy == pytest.approx(np.mean((logits > 0) == y))


def test_one_hot_labels_have_their_own_loss():
    model = build(one_hot=True, label_smoothing=0.1)
    model.fit(images(), np.eye(3)[[0, 1, 2, 0]], verbose=0)
    assert model.loss.name == "categorical_crossentropy"


def test_smoothing_of_class_numbers_is_refused():
    with pytest.raises(ValueError, match="needs one-hot labels"):
        build(label_smoothing=0.1)


def test_the_learning_rate_replaces_the_optimizers():
    model = build(learning_rate=0.25)
    assert float(model.optimizer.learning_rate) == 0.25


def test_the_users_loss_and_metrics_are_kept():
    model = build(loss="mse", metrics=["mae"], one_hot=True)
    assert model.loss == "mse"
    history = model.fit(images(), np.eye(3)[[0, 1, 2, 0]], verbose=0).history
    assert set(history) == {"loss", "mae"}


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize("label", [-1, 3, 1000])
@pytest.mark.parametrize("source", ["arrays", "dataset", "py_dataset"])
def test_a_label_outside_the_classes_stops_before_the_first_step(
    num_classes, label, source
):
    model = build(num_classes)
    before = model.get_weights()
    x, y = images(), np.array([0, 1, label, 0])
    with pytest.raises(ValueError, match=rf"Label {label} is outside \[0, "):
        fit(model, x, y, source)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.optimizer.iterations == 0


def fit(model, x, y, source):
    if source == "arrays":
        return model.fit(x, y, verbose=0)
    if source == "dataset":
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
        return model.fit(data, verbose=0)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return x, y

    return model.fit(Batches(), verbose=0)


def test_labels_of_the_validation_data_are_checked_too():
    model = build()
    x, y = images(), np.array([0, 1, 2, 0])
    with pytest.raises(ValueError, match="Label 7 is outside"):
        model.fit(x, y, validation_data=(x, y + 7), verbose=0)
    with pytest.raises(ValueError, match="Label 7 is outside"):
        model.fit(x=x, y=y + 7, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.5, 1, 1, 0]), "must be whole class numbers"),
        (np.array(["a", "b", "a", "b"]), "Received text such as"),
        (np.zeros((4, 2)), r"Received the shape \(4, 2\)"),
        (np.zeros((4, 3, 1)), r"Received the shape \(4, 3, 1\)"),
        (np.eye(3)[[0, 1, 2, 0]], r"one-hot.*one_hot=True"),
    ],
)
def test_labels_of_the_wrong_form_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        build().fit(images(), labels, verbose=0)


def test_the_message_names_the_classes_and_the_way_out():
    model = kt.build_model(
        build_tiny(), kt.heads.LinearHead(2), class_names=["ant", "bee"]
    )
    kt.compile_for_transfer(model)
    with pytest.raises(ValueError, match=r"'ant', 'bee'.*num_classes=5"):
        model.fit(images(), np.array([0, 1, 4, 0]), verbose=0)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((32, 32, 3), r"batch axis: images\[None\]"),
        ((4, 3, 32, 32), "Channels come last"),
        ((4, 32, 32, 1), r"with 1 channels need.*\(height, width, 1\)"),
        ((4, 16, 16, 3), "Resize them"),
    ],
)
def test_images_of_the_wrong_shape_are_refused_with_a_hint(shape, hint):
    labels = np.zeros(shape[0], "int32")
    with pytest.raises(
        ValueError, match=r"shape \(batch, 32, 32, 3\).*" + hint
    ):
        build().fit(np.zeros(shape, "float32"), labels, verbose=0)


def test_a_dataset_is_taken_without_a_warning_about_its_order():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((images(), np.zeros(4, "int32")))
    model = build()
    model.fit(data.batch(2), None, None, 2, 0, validation_data=data.batch(4))
    assert model.optimizer.iterations == 4


def test_an_empty_dataset_is_refused():
    import tensorflow as tf

    empty = tf.data.Dataset.from_tensor_slices(
        (images(), np.zeros(4, "int32"))
    ).batch(4)
    with pytest.raises(ValueError, match="yields no batch"):
        build().fit(empty.take(0), verbose=0)


def test_a_generator_is_not_used_up():
    model = build()
    seen = []

    def batches():
        for number in range(2):
            seen.append(number)
            yield images(), np.array([0, 1, 2, 0])

    model.fit(batches(), verbose=0, steps_per_epoch=2, shuffle=False)
    assert seen == [0, 1]


def test_pixels_scaled_already_are_warned_of():
    with pytest.warns(UserWarning, match="expects 0 to 255.*Leave out"):
        build().fit(images() / 255, np.array([0, 1, 2, 0]), verbose=0)


def test_the_warning_appears_once_in_a_process(recwarn):
    import warnings

    warnings.simplefilter("default")
    model = build()
    for _ in range(3):
        model.fit(images() / 255, np.array([0, 1, 2, 0]), verbose=0)
        kt.predict_labels(model, images() / 255)
    found = [w for w in recwarn if "expects 0 to 255" in str(w.message)]
    assert len(found) == 1


def test_dark_photographs_and_bytes_are_not_warned_of():
    x = images()
    build().fit(x * 0, np.array([0, 1, 2, 0]), verbose=0)
    build().fit(x.astype("uint8") // 200, np.array([0, 1, 2, 0]), verbose=0)


def test_models_that_expect_other_pixels_are_not_warned_of():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Flatten()(image)
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(x))
    kt.compile_for_transfer(model)
    model.fit(images() / 255, np.array([0, 1, 2, 0]), verbose=0)


def test_a_compiled_model_saves_as_keras_saves_it(tmp_path):
    model = build()
    model.fit(images(), np.array([0, 1, 2, 0]), verbose=0)
    model.save(tmp_path / "m.keras")
    reloaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        reloaded.predict(images(), verbose=0),
        model.predict(images(), verbose=0),
    )


@pytest.mark.parametrize(
    ("layers", "activation"),
    [
        ([keras.layers.Dense(2), keras.layers.Softmax()], "softmax"),
        ([keras.layers.Dense(2, "sigmoid")], "sigmoid"),
        ([keras.layers.Dense(2), keras.layers.Activation("elu")], "elu"),
        ([keras.layers.Dense(2)], "linear"),
    ],
)
def test_the_output_activation_of_any_model_is_found(layers, activation):
    model = keras.Sequential([keras.Input((4,)), *layers])
    assert output_activation(model) == activation
    assert output_activation(keras.Sequential([model])) == activation
