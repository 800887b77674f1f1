"""Several outputs, subclasses, and labels in other forms than rows."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_transfer as kt
from keras_transfer.structure.task import Task
from tests.conftest import build_tiny

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
CLASSES = np.arange(12) % 3
NUMBERS = np.linspace(-1, 1, 12, dtype="float32")
MIXED = {"kind": "sparse_categorical_crossentropy", "size": "mse"}


def build(as_dictionary):
    x = keras.Input((4,))
    kind = layers.Dense(3, "softmax", name="kind")(x)
    size = layers.Dense(1, name="size")(x)
    both = {"kind": kind, "size": size} if as_dictionary else [kind, size]
    return keras.Model(x, both)


def labels(as_dictionary, kind=CLASSES, size=NUMBERS):
    return {"kind": kind, "size": size} if as_dictionary else [kind, size]


@pytest.mark.parametrize("as_dictionary", [True, False])
@pytest.mark.parametrize(
    "arguments", [{"loss": MIXED}, {"task": {"size": "regression"}}]
)
def test_each_output_has_the_metrics_that_fit(as_dictionary, arguments):
    model = kt.compile_for_transfer(build(as_dictionary), **arguments)
    y = labels(as_dictionary)
    history = model.fit(X, y, verbose=0, validation_data=(X, y)).history
    own = {key for key in history if not key.startswith("val_")}
    assert own - {"loss", "kind_loss", "size_loss"} == {
        *("kind_accuracy", "size_mae", "size_r2_score")
    }
    found = model.evaluate(X, y, verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0)
    kind, size = (
        (outputs["kind"], outputs["size"]) if as_dictionary else outputs
    )
    assert found["size_mae"] == pytest.approx(
        abs(size[:, 0] - NUMBERS).mean(), abs=1e-5
    )
    loss = -np.log(kind[np.arange(12), CLASSES]).mean()
    loss += ((size[:, 0] - NUMBERS) ** 2).mean()
    assert found["loss"] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("as_dictionary", [True, False])
def test_labels_of_one_output_are_checked(as_dictionary):
    model = kt.compile_for_transfer(build(as_dictionary), loss=MIXED)
    with pytest.raises(ValueError, match=r"output 'kind' of .* has 3 classes"):
        model.fit(X, labels(as_dictionary, kind=CLASSES + 1), verbose=0)
    with pytest.raises(ValueError, match="output 'size' .*NaN or infinity"):
        model.fit(X, labels(as_dictionary, size=NUMBERS / 0), verbose=0)
    assert model.optimizer.iterations == 0


test_labels_of_one_output_are_checked = pytest.mark.filterwarnings(
    "ignore:divide by zero"
)(test_labels_of_one_output_are_checked)


@pytest.mark.parametrize("as_dictionary", [True, False])
def test_a_doubtful_output_is_asked_for(as_dictionary):
    model = build(as_dictionary)
    message = r"output 'size' is linear.*task=\{'size': 'regression'\}"
    with pytest.raises(ValueError, match=message):
        kt.compile_for_transfer(model)
    with pytest.raises(ValueError, match="names the output 'weight'"):
        kt.compile_for_transfer(model, task={"weight": "regression"})
    with pytest.raises(ValueError, match="`task` must be one of"):
        kt.compile_for_transfer(model, task={"size": "guess"})
    loss = {**MIXED, "kind": keras.losses.SparseCategoricalCrossentropy(True)}
    with pytest.raises(ValueError, match="output 'kind' .* in probabilities"):
        kt.compile_for_transfer(model, loss=loss)


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3, "softmax")

    def call(self, inputs):
        return self.dense(inputs)


def test_a_subclass_needs_a_loss():
    model = Subclass()
    with pytest.raises(ValueError, match="has no graph .*Pass loss="):
        kt.compile_for_transfer(model)
    kt.compile_for_transfer(model, loss="sparse_categorical_crossentropy")
    history = model.fit(X, CLASSES, verbose=0).history
    assert set(history) == {"loss", "accuracy"}


def segmenter(units, activation):
    image = keras.Input((4, 4, 2))
    return keras.Model(
        image, layers.Conv2D(units, 1, activation=activation)(image)
    )


@pytest.mark.parametrize("one_hot", [False, True])
def test_maps_of_classes_are_labels_of_places(one_hot):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 4, 2)).astype("float32")
    y = rng.integers(0, 3, (3, 4, 4))
    model = kt.compile_for_transfer(segmenter(3, "softmax"), one_hot=one_hot)
    given = np.eye(3)[y] if one_hot else y
    found = model.evaluate(x, given, verbose=0, return_dict=True)
    p = model.predict(x, verbose=0)
    loss = -np.log(np.take_along_axis(p, y[..., None], -1)).mean()
    assert found["loss"] == pytest.approx(loss, abs=1e-5)
    assert found["accuracy"] == pytest.approx((p.argmax(-1) == y).mean())
    if not one_hot:
        with pytest.raises(ValueError, match=r"Received the shape \(3, 2, 4\)"):
            model.evaluate(x, y[:, :2], verbose=0)


def test_maps_of_one_unit_take_masks():
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype("float32")
    masks = (x[..., 0] > 0).astype("uint8")
    for y in (masks, masks[..., None]):
        model = kt.compile_for_transfer(segmenter(1, "sigmoid"))
        found = model.evaluate(x, y, verbose=0, return_dict=True)
        p = model.predict(x, verbose=0)[..., 0]
        loss = -np.where(masks, np.log(p), np.log(1 - p)).mean()
        assert found["loss"] == pytest.approx(loss, abs=1e-5)


def test_ignored_labels_pass_and_others_do_not():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(3, "softmax")(x))
    kt.compile_for_transfer(model, loss=loss)
    y = np.where(np.arange(12) % 4, CLASSES, -1)
    assert set(model.fit(X, y, verbose=0).history) == {"loss"}
    with pytest.raises(ValueError, match="Label -2 is outside"):
        model.fit(X, y - (y < 0), verbose=0)


PIXELS = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))


def photographs(head, **arguments):
    return kt.build_model(build_tiny(), head, **arguments)


def test_thresholds_decide_accuracy_f1_and_labels(tmp_path):
    thresholds = [0.3, 0.5, 0.7]
    model = photographs(
        kt.heads.LinearHead(3, task="multi_label", activation=None),
        class_names=["ant", "bee", "cat"],
        thresholds=thresholds,
    )
    kt.compile_for_transfer(model)
    y = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]], "float32")
    found = model.evaluate(PIXELS, y, verbose=0, return_dict=True)
    p = 1 / (1 + np.exp(-model.predict(PIXELS, verbose=0).astype(float)))
    chosen = p > thresholds
    assert found["accuracy"] == pytest.approx((chosen == y).mean(), abs=1e-5)
    names = np.array(["ant", "bee", "cat"])
    expected = [names[row].tolist() for row in chosen]
    assert kt.predict_labels(model, PIXELS) == expected
    model.save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    again = loaded.evaluate(PIXELS, y, verbose=0, return_dict=True)
    assert again == pytest.approx(found)


def test_numbers_are_told_in_their_units():
    targets = {"names": ["age"], "units": ["y"], "mean": [40.0], "std": [20.0]}
    head = kt.heads.LinearHead(1, task="regression")
    model = photographs(head, targets=targets)
    kt.compile_for_transfer(model)
    outputs = model.predict(PIXELS, verbose=0)
    told = [row["age"] for row in kt.predict_labels(model, PIXELS)]
    np.testing.assert_allclose(told, outputs[:, 0] * 20 + 40, rtol=1e-6)
    assert Task(**kt.info(model).task).targets.units == ("y",)


def test_grades_are_told_by_name():
    head = kt.heads.LinearHead(3, task="ordinal")
    model = photographs(head, class_names=["low", "middle", "high"])
    best = model.predict(PIXELS, verbose=0).argmax(-1)
    names = ["low", "middle", "high"]
    assert kt.predict_labels(model, PIXELS) == [names[i] for i in best]


def test_outputs_that_nobody_can_read_are_refused():
    image = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(image)
    x = layers.Lambda(lambda t: t - 999, output_shape=(3,))(x)
    with pytest.raises(ValueError, match="does not tell whether its outputs"):
        kt.predict_labels(keras.Model(image, x), np.zeros((1, 8, 8, 3)))
