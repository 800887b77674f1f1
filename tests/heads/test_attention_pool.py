import keras
import numpy as np
import pytest

from keras_transfer.heads import AttentionPoolHead

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


def test_its_layers_have_fixed_names():
    head = AttentionPoolHead(3)
    head.build(FEATURES.shape)
    names = [layer.name for layer in head.steps]
    assert names == ["pool", "dropout", "predictions"]


def test_parameter_counts_are_those_of_the_formula():
    head = AttentionPoolHead(3, attention_units=8)
    head.build((None, 7, 7, 5))
    scoring = 2 * (5 * 8 + 8) + 8
    assert head.count_params() == scoring + 5 * 3 + 3
    plain = AttentionPoolHead(3, attention_units=8, gated=False)
    plain.build((None, 7, 7, 5))
    assert plain.count_params() == scoring - (5 * 8 + 8) + 5 * 3 + 3


def test_it_learns_what_average_pooling_cannot_see():
    # One bright position decides; where it is does not matter.
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 6, 6, 4)).astype("float32")
    labels = np.arange(64) % 2
    rows, columns = rng.integers(0, 6, size=(2, 64))
    samples = np.arange(64)
    features[samples, rows, columns] = [0, 0, 4, 0]
    features[samples, rows, columns, 3] = np.where(labels, 4, -4)
    inputs = keras.Input((6, 6, 4))
    head = AttentionPoolHead(2, attention_units=8)
    model = keras.Model(inputs, head(inputs))
    model.compile(
        keras.optimizers.Adam(0.02),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(features, labels, epochs=40, batch_size=32, verbose=0)
    assert model.evaluate(features, labels, verbose=0)[1] > 0.95
    weights = np.asarray(head.pool.attention_weights(features))
    assert weights[samples, rows, columns].mean() > 0.5


def test_vectors_hold_no_positions_to_attend_to():
    with pytest.raises(ValueError, match="For vectors use LinearHead"):
        AttentionPoolHead(2).build((None, 5))
