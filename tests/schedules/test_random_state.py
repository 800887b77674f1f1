import json
import random

import keras
import numpy as np
import pytest

from keras_transfer.schedules.kept_state import capture_random_state
from keras_transfer.schedules.kept_state import restore_random_state
from tests.optimizer import networks as net


def draw(model):
    return [
        keras.ops.convert_to_numpy(model(net.IMAGES[:2], training=True)),
        np.random.random(3),
        np.random.standard_normal(1),
        np.array([random.random(), random.gauss(0, 1)]),
    ]


def test_all_generators_draw_the_same_again():
    model = net.build_network(dropout=0.5)
    for stage in (1, 2):
        model.get_layer("backbone").get_layer(f"bn_{stage}").trainable = False
    draw(model)  # Leaves half a pair of normal numbers in the generators.
    state = json.loads(json.dumps(capture_random_state(model)))
    first, second = draw(model), draw(model)
    assert not net.same(first, second)
    restore_random_state(model, state)
    assert net.same(first, draw(model))


@pytest.mark.skipif(net.BACKEND != "torch", reason="about torch")
def test_the_generator_of_torch_draws_the_same_again():
    import torch

    model = net.build_network()
    state = json.loads(json.dumps(capture_random_state(model)))
    first = torch.rand(3)
    restore_random_state(model, state)
    assert torch.equal(first, torch.rand(3))


def test_dropout_resumes_bit_exactly():
    model = net.compiled("adam", dropout=0.5)
    net.train(model)
    weights = model.get_weights()
    state = capture_random_state(model)
    slots = net.optimizer_values(model.optimizer)
    net.train(model)
    other = net.compiled("adam", dropout=0.5)
    other.optimizer.build(other.trainable_variables)
    other.set_weights(weights)
    for variable, value in zip(other.optimizer.variables, slots, strict=True):
        variable.assign(value)
    restore_random_state(other, state)
    net.train(other)
    assert net.same_weights(model, other)


def test_a_model_with_other_random_layers_is_refused():
    state = capture_random_state(net.build_network(dropout=0.5))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"with 1 seed .* has 0"):
        restore_random_state(model, state)
