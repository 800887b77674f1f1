"""Gradients as arrays."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.explaining.differentiation import compiled
from keras_transfer.explaining.differentiation import differentiate
from tests.explaining import networks
from tests.explaining.networks import IMAGES

LABELS = np.array([0, 2, 1])


def test_what_a_scalar_does_not_depend_on_has_a_gradient_of_zeros():
    rest, (one, other) = differentiate(
        lambda tensors: (keras.ops.sum(tensors[0] ** 3), tensors[0] + 1),
        [np.array([1.0, 2.0], "float32"), np.ones(3, "float32")],
    )
    for found, expected in ((rest, [2, 3]), (one, [3, 12]), (other, [0] * 3)):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected)


def test_a_compiled_function_differentiates_the_same():
    double = compiled(
        lambda x: differentiate(
            lambda tensors: (keras.ops.sum(tensors[0] ** 2), None), [x]
        )[1][0]
    )
    for value in (1.0, 3.0):
        gradient = double(np.array([value], "float32"))
        assert keras.ops.convert_to_numpy(gradient)[0] == 2 * value


@pytest.mark.parametrize("build", [networks.flat, networks.deep])
def test_gradients_of_activations_before_global_pooling(build):
    model = build()
    gradients = kt.activation_gradients(model, IMAGES, ["a", "b"], 1)
    assert list(gradients) == ["a", "b"]
    assert gradients["a"].shape == (3, 6, 5, 4)
    expected = np.broadcast_to(networks.kernel(model)[:, 1] / 12, (3, 4, 3, 5))
    np.testing.assert_allclose(gradients["b"], expected, atol=1e-7)


@pytest.mark.parametrize("build", [networks.nested, networks.ours])
def test_gradients_of_weights_agree_with_finite_differences(build):
    model = build()
    kt.compile_for_transfer(model)
    head = networks.find(model, "out" if build is networks.nested else "head")
    kt.set_trainable(model, [head.name])
    gradients = kt.weight_gradients(model, IMAGES, LABELS)
    assert list(gradients) == [w.path for w in model.trainable_variables]
    for weight in model.trainable_variables:
        start = keras.ops.convert_to_numpy(weight).astype("float64")

        def loss(values, weight=weight):
            losses = []
            for value in values:
                weight.assign(value)
                probabilities = keras.ops.convert_to_numpy(model(IMAGES))
                chosen = probabilities[np.arange(3), LABELS]
                losses.append(-np.log(chosen.astype("float64")).mean())
            return np.array(losses)

        expected = networks.numeric_gradient(loss, start[None], 1e-2)[0]
        weight.assign(start)
        np.testing.assert_allclose(gradients[weight.path], expected, atol=1e-3)
        assert np.abs(expected).max() > 0.01


def test_a_loss_is_needed_for_gradients_of_weights():
    model = networks.nested()
    with pytest.raises(ValueError, match="is not compiled, so it has no loss"):
        kt.weight_gradients(model, IMAGES, LABELS)
    kt.compile_for_transfer(model)
    model.trainable = False
    with pytest.raises(ValueError, match="All weights of .* are frozen"):
        kt.weight_gradients(model, IMAGES, LABELS)
