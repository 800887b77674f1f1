import keras
import numpy as np
import pytest

from keras_transfer.heads import LinearHead

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


def _by_hand(head, vectors):
    kernel, bias = (np.asarray(w) for w in head.predictions.weights)
    return vectors @ kernel + bias


def test_the_head_is_pooling_then_one_dense_layer():
    head = LinearHead(3, activation=None)
    outputs = head(FEATURES)
    expected = _by_hand(head, FEATURES.mean(axis=(1, 2)))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    names = [layer.name for layer in head.steps]
    assert names == ["pool", "dropout", "predictions"]


def test_vectors_are_left_as_they_are_whatever_the_pooling():
    vectors = FEATURES[:, 0, 0]
    for pooling in ("avg", "max", "gem", "flatten", None):
        head = LinearHead(3, pooling=pooling, activation=None)
        outputs = head(vectors)
        np.testing.assert_allclose(outputs, _by_hand(head, vectors), atol=1e-5)
        assert head.count_params() == 5 * 3 + 3


def test_eleven_classes_on_vgg_features_add_the_plain_number_of_parameters():
    head = LinearHead(11)
    head.build((None, 7, 7, 512))
    assert head.count_params() == 512 * 11 + 11


def test_the_size_of_feature_maps_may_be_unknown():
    features = keras.Input((None, None, 5))
    model = keras.Model(features, LinearHead(3)(features))
    assert model.output_shape == (None, 3)
    assert model(FEATURES).shape == (2, 3)


def test_an_unknown_pooling_is_explained():
    with pytest.raises(ValueError, match="Did you mean 'avg'?"):
        LinearHead(3, pooling="avgg")
