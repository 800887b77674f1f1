"""One walker for nested, shared and repeated calls."""

import keras
import numpy as np
import pytest

from keras_transfer.structure import replay
from keras_transfer.structure.graph import EnterModel
from keras_transfer.structure.graph import Graph
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.graph import calls_of
from keras_transfer.structure.graph import flatten
from keras_transfer.structure.graph import origin
from keras_transfer.structure.graph import own_calls


def encoder():
    """Two inputs, two outputs; the second knows nothing of the other input."""
    one = keras.Input((4,), name="one")
    other = keras.Input((4,), name="an_other")
    shared = keras.layers.Dense(4, name="shared")
    x = keras.layers.Add(name="sum")([shared(one), shared(other)])
    return keras.Model([one, other], [x, shared.output], name="encoder")


@pytest.fixture
def model():
    """Calls the encoder twice, once by the names of its inputs."""
    inner = encoder()
    image, side = keras.Input((4,)), keras.Input((4,))
    first, kept = inner([image, side])
    second, _ = inner({"an_other": first, "one": side})
    outputs = keras.layers.Concatenate(name="all")([second, kept])
    return keras.Model(
        [image, side], keras.layers.Dense(2, name="out")(outputs)
    )


ARRAYS = [
    np.random.default_rng(n).normal(size=(3, 4)).astype("float32")
    for n in (0, 1)
]


def test_each_call_has_a_path_and_those_of_a_nested_model_follow_it(model):
    inside = ["shared", "shared:1", "sum"]
    assert list(calls_of(model)) == [
        "encoder",
        *(f"encoder/{name}" for name in inside),
        "encoder:1",
        *(f"encoder:1/{name}" for name in inside),
        "all",
        "out",
    ]
    assert [call.path for call in own_calls(model)] == [
        "encoder",
        "encoder:1",
        "all",
        "out",
    ]


def test_run_again_on_numbers_the_steps_are_the_model(model):
    flat = flatten(model)
    values = dict(zip(flat.inputs, ARRAYS, strict=True))
    replay.run(flat.steps, values)
    np.testing.assert_array_equal(values[flat.outputs[0]], model(ARRAYS))
    # In each call the shared layer has values of its own.
    calls = calls_of(model)
    one, other = (calls[p].outputs[0] for p in ("encoder/sum", "encoder:1/sum"))
    assert one.spec is other.spec
    assert not np.array_equal(values[one], values[other])


def test_a_tensor_that_leaves_a_model_is_the_one_made_inside(model):
    calls = calls_of(model)
    assert (
        origin(calls["encoder:1"].outputs[0])
        == (calls["encoder:1/sum"].outputs[0])
    )
    assert (
        origin(calls["encoder"].outputs[1])
        == (calls["encoder/shared"].outputs[0])
    )
    assert origin(calls["all"].outputs[0]) == calls["all"].outputs[0]


def test_a_value_that_is_given_needs_nothing_before_it(model):
    flat = flatten(model)
    calls = calls_of(model)
    given = calls["encoder:1/shared"].outputs[0]
    wanted = calls["encoder:1/sum"].outputs
    before = [s.path for s in replay.leading(flat.steps, wanted)]
    assert "encoder/sum" in before
    assert "out" not in before
    needed = replay.leading(flat.steps, wanted, [given])
    layers = [s for s in needed if not isinstance(s.operation, EnterModel)]
    assert [s.path for s in layers] == [
        *(f"encoder/{name}" for name in ("shared", "shared:1", "sum")),
        "encoder:1/shared:1",
        "encoder:1/sum",
    ]
    values = dict(zip(flat.inputs, ARRAYS, strict=True))
    values[given] = np.full((3, 4), 7.0, "float32")
    replay.run(flat.steps, values)
    np.testing.assert_array_equal(values[given], np.full((3, 4), 7.0))
    assert not np.array_equal(values[flat.outputs[0]], model(ARRAYS))


def test_what_enters_a_model_has_the_dtype_of_its_input():
    image = keras.Input((4,), dtype="float32")
    nested = keras.Model(image, keras.ops.add(image, image))
    pixels = keras.Input((4,), dtype="uint8")
    flat = flatten(keras.Model(pixels, nested(pixels)))
    values = {flat.inputs[0]: np.full((1, 4), 200, "uint8")}
    replay.run(flat.steps, values)
    np.testing.assert_array_equal(values[flat.outputs[0]], [[400.0] * 4])


def test_a_graph_may_stand_in_for_a_layer():
    image = keras.Input((4,))
    layer = keras.layers.Dense(4, name="dense")
    model = keras.Model(image, layer(layer(image)))
    inner = keras.Input((4,))
    doubled = Graph([inner], [inner * 2.0])
    flat = flatten(
        model, lambda call: doubled if call.operation is layer else None
    )
    values = {flat.inputs[0]: ARRAYS[0]}
    replay.run(flat.steps, values)
    np.testing.assert_array_equal(values[flat.outputs[0]], 4 * ARRAYS[0])


def test_a_nested_model_is_reduced_to_what_is_needed(model):
    part = keras.Model(model.inputs, own_calls(model)[1].outputs[0].spec)
    (nested,) = (x for x in part.layers if x.name == "encoder")
    assert len(nested.outputs) == 2
    rewired = replay.rewire(part, [Ref((), part.outputs[0])], [nested])
    inputs = replay.pack_inputs(part, rewired.inputs)
    reduced = keras.Model(inputs, rewired.outputs[0])
    (single,) = (x for x in reduced.layers if x.name == "encoder")
    assert len(single.outputs) == 1
    np.testing.assert_array_equal(reduced(ARRAYS), part(ARRAYS))
    assert {id(w) for w in reduced.weights} == {id(w) for w in part.weights}


def test_an_inner_tensor_comes_with_what_is_asked_for_beside_it(model):
    calls = calls_of(model)
    wanted = [calls["encoder:1/shared"].outputs[0], calls["out"].outputs[0]]
    rewired = replay.rewire(model, wanted)
    both = keras.Model(rewired.inputs, rewired.outputs)
    inner, outputs = both(ARRAYS)
    shared = model.get_layer("encoder").get_layer("shared")
    np.testing.assert_array_equal(inner, shared(ARRAYS[1]))
    np.testing.assert_array_equal(outputs, model(ARRAYS))
    alone = replay.rewire(model, calls["encoder/shared"].outputs)
    assert [tensor is None for tensor in alone.inputs] == [False, True]


def test_the_flag_of_a_replaced_model_leaves_its_layers_alone():
    inner = encoder()
    inner.trainable = False
    inner.get_layer("shared").trainable = True
    image = keras.Input((4,))
    model = keras.Model(image, inner([image, image])[0])
    calls = calls_of(model)
    wanted = [calls["encoder/shared"].outputs[0], Ref((), model.outputs[0])]
    rewired = replay.rewire(model, wanted)
    replaced = keras.Model(rewired.inputs, rewired.outputs).get_layer("encoder")
    assert replaced is not inner
    assert not replaced.trainable
    assert not inner.trainable
    assert inner.get_layer("shared").trainable
