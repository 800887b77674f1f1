import keras
import numpy as np
import pytest

import keras_transfer as kt


@pytest.fixture
def dense():
    """A dense network: a head alone."""
    backbone = kt.create_backbone(
        "identity", weights=None, input_shape=(28, 28, 1)
    )
    head = kt.heads.MLPHead(
        10, hidden_units=(256, 128, 64), pooling="flatten", dropout=0.2
    )
    return kt.build_model(backbone, head)


def test_a_dense_network_is_a_head_alone(dense):
    assert dense.count_params() == 242_762
    assert dense.get_layer("identity").count_params() == 0
    shapes = [tuple(w.shape) for w in dense.weights if len(w.shape) == 2]
    assert sorted(shapes) == [(64, 10), (128, 64), (256, 128), (784, 256)]


def test_its_features_are_the_images():
    backbone = kt.create_backbone(
        "identity", weights=None, input_shape=(6, 5, 3)
    )
    images = np.random.default_rng(0).normal(size=(2, 6, 5, 3))
    np.testing.assert_array_equal(
        np.asarray(backbone(images)), images.astype("float32")
    )


def test_it_learns_what_a_dense_network_learns(dense):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    images = rng.integers(0, 100, (64, 28, 28, 1))
    images[labels == 0, :14] += 150
    images[labels == 1, 14:] += 150
    kt.compile_for_transfer(dense, learning_rate=1e-3)
    dense.fit(images.astype("uint8"), labels, 8, 5, verbose=0)
    _, accuracy = dense.evaluate(images.astype("uint8"), labels, verbose=0)
    assert accuracy > 0.9


def test_schedules_and_freezing_find_a_head_and_nothing_else(dense):
    kt.freeze(dense)
    assert len(dense.trainable_weights) == 8
    kt.set_trainable(dense, "head")
    assert len(dense.trainable_weights) == 8
    with pytest.raises(ValueError, match="holds no weights"):
        kt.set_trainable(dense, "backbone")
    parts = kt.trainable_summary(dense).parts
    assert [part.name for part in parts] == ["head"]


def test_two_pixels_are_an_image():
    backbone = kt.create_backbone(
        "identity", weights=None, input_shape=(2, 1, 1)
    )
    model = kt.build_model(backbone, kt.heads.LinearHead(2, pooling="flatten"))
    assert isinstance(model, keras.Model)
    assert model.count_params() == 6
