"""Predictions as class names."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.serving import prediction
from tests.conftest import build_tiny


def build(num_classes=3, activation="auto", names=("a", "b", "c")):
    head = kt.heads.LinearHead(num_classes, activation=activation)
    return kt.build_model(build_tiny(), head, class_names=names)


def images(count=5):
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3))


def test_labels_are_the_most_probable_classes():
    model = build()
    best = model.predict(images(), verbose=0).argmax(-1)
    assert kt.predict_labels(model, images()) == ["abc"[i] for i in best]


def test_one_image_needs_no_batch_axis():
    assert len(kt.predict_labels(build(), images()[0])) == 1


@pytest.mark.parametrize("activation", ["auto", None])
@pytest.mark.parametrize("num_classes", [1, 3])
def test_probabilities_are_ranked_and_sum_to_one(num_classes, activation):
    names = ("a", "b", "c")[: max(num_classes, 2)]
    model = build(num_classes, activation, names)
    for best in prediction.predict(model, images(), top=9):
        probabilities = [p.probability for p in best]
        assert sum(probabilities) == pytest.approx(1)
        assert probabilities == sorted(probabilities, reverse=True)
        assert {p.label for p in best} == set(names)


def test_logits_and_probabilities_agree():
    probable = build()
    logits = build(activation=None)
    logits.set_weights(probable.get_weights())
    for one, other in zip(
        prediction.predict(probable, images(), 3),
        prediction.predict(logits, images(), 3),
        strict=True,
    ):
        assert [p.label for p in one] == [p.label for p in other]
        assert [p.probability for p in one] == pytest.approx(
            [p.probability for p in other], abs=1e-6
        )


def test_one_unit_is_the_probability_of_the_second_class():
    model = build(1, names=("no", "yes"))
    expected = model.predict(images(), verbose=0)[:, 0]
    for best, probability in zip(
        prediction.predict(model, images(), 2), expected, strict=True
    ):
        by_name = {p.label: p.probability for p in best}
        assert by_name["yes"] == pytest.approx(float(probability))


def test_without_class_names_classes_are_numbers():
    assert set(kt.predict_labels(build(names=None), images())) <= set("012")


def test_files_are_decoded_for_the_model(tmp_path):
    pixels = images(1)[0].astype("uint8")
    keras.utils.save_img(tmp_path / "a.png", pixels, scale=False)
    model = build()
    expected = prediction.predict(model, pixels, 3)
    for paths in (tmp_path / "a.png", [str(tmp_path / "a.png")]):
        assert prediction.predict(model, paths, 3) == expected


def test_no_images_give_no_labels():
    assert kt.predict_labels(build(), np.zeros((0, 32, 32, 3))) == []
    assert kt.predict_labels(build(), []) == []


@pytest.mark.parametrize(
    "shape", [(1, 16, 32, 3), (1, 32, 32, 1), (32, 32), (1, 3, 32, 32)]
)
def test_images_of_the_wrong_shape_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"expects images of shape \(batch, 32"
    ):
        kt.predict_labels(build(), np.zeros(shape))


@pytest.mark.parametrize("top", [0, -1, 1.5, True])
def test_top_must_be_a_positive_integer(top):
    with pytest.raises(ValueError, match="`top` must be a whole number"):
        prediction.predict(build(), images(), top=top)


def test_files_need_a_model_of_fixed_size(tmp_path):
    model = kt.build_model(build_tiny((None, None, 3)), kt.heads.LinearHead(2))
    keras.utils.save_img(tmp_path / "a.png", images(1)[0])
    with pytest.raises(ValueError, match="has no fixed image size"):
        kt.predict_labels(model, tmp_path / "a.png")


def test_scaled_pixels_are_warned_of():
    with pytest.warns(UserWarning, match="expects 0 to 255"):
        kt.predict_labels(build(), images() / 255)
