import keras
import numpy as np
import pytest

import keras_transfer as kt


def test_it_has_the_layers_of_the_paper():
    head = kt.heads.AuxiliaryHead(1000)
    head.build((None, 14, 14, 512))
    assert [layer.name for layer in head.steps] == [
        "average_pool",
        "projection",
        "pool",
        "hidden_1",
        "dropout_1",
        "predictions",
    ]
    assert head.average_pool.pool_size == (5, 5)
    assert head.average_pool.strides == (3, 3)
    assert head.hidden_layers[0].kernel.shape == (4 * 4 * 128, 1024)
    assert head.dropout == 0.7
    assert head.count_params() == 3_188_840


def test_it_computes_what_its_layers_compute():
    rng = np.random.default_rng(0)
    head = kt.heads.AuxiliaryHead(3, hidden_units=(7,))
    maps = rng.normal(size=(2, 8, 8, 4)).astype("float32")
    outputs = np.asarray(head(maps))
    windows = [maps[:, i : i + 5, j : j + 5] for i in (0, 3) for j in (0, 3)]
    pooled = np.stack([w.mean((1, 2)) for w in windows], 1)
    kernel, bias = (np.asarray(w) for w in head.projection.weights)
    projected = np.maximum(pooled @ kernel[0, 0] + bias, 0).reshape(2, -1)
    kernel, bias = (np.asarray(w) for w in head.hidden_layers[0].weights)
    hidden = np.maximum(projected @ kernel + bias, 0)
    kernel, bias = (np.asarray(w) for w in head.predictions.weights)
    logits = hidden @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4)


def test_on_small_maps_the_window_is_the_map():
    head = kt.heads.AuxiliaryHead(2)
    assert head(np.ones((1, 2, 4, 8), "float32")).shape == (1, 2)
    assert head.average_pool.pool_size == (2, 4)


@pytest.mark.parametrize("shape", [(2, 5), (2, 9, 5), (2, None, 14, 5)])
def test_features_that_are_no_maps_of_known_size_are_refused(shape):
    with pytest.raises(ValueError, match="feature maps of a known size"):
        kt.heads.AuxiliaryHead(2).build(shape)


def test_pooling_is_no_argument_of_it():
    head = kt.heads.AuxiliaryHead(2)
    assert "pooling" not in head.get_config()
    with pytest.raises(TypeError, match="pooling"):
        kt.heads.AuxiliaryHead(2, pooling="avg")


def test_the_projection_uses_the_hidden_activation():
    head = kt.heads.AuxiliaryHead(2, hidden_activation="tanh")
    assert head.projection.activation is keras.activations.tanh
