"""Stages, declared or detected."""

import keras
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer.structure import stages


def ends(model):
    return [(s.name, s.last_layer, s.reduction) for s in kt.stages_of(model)]


def test_a_stage_ends_where_the_resolution_changes(tiny_backbone):
    assert ends(tiny_backbone()) == [
        ("stem", "relu_1", 2),
        ("stage_1", "relu_2", 4),
        ("stage_2", "relu_3", 8),
    ]


def test_a_stage_ends_at_the_merge_not_in_a_branch():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same", name="down_1")(image)
    left = keras.layers.Conv2D(4, 3, padding="same", name="left")(x)
    x = keras.layers.Add(name="merge")([x, left])
    x = keras.layers.ReLU(name="merge_relu")(x)
    x = keras.layers.BatchNormalization(name="next_norm")(x)
    x = keras.layers.Conv2D(8, 3, 2, "same", name="down_2")(x)
    assert ends(keras.Model(image, x)) == [
        ("stem", "merge_relu", 2),
        ("stage_1", "down_2", 4),
    ]


def test_where_two_tensors_are_live_no_stage_ends():
    image = keras.Input((32, 32, 3))
    a = keras.layers.Conv2D(4, 3, 2, "same", name="a")(image)
    b = keras.layers.Conv2D(4, 3, 2, "same", name="b")(image)
    a2 = keras.layers.Conv2D(4, 3, 2, "same", name="a2")(a)
    b2 = keras.layers.Conv2D(4, 3, 2, "same", name="b2")(b)
    x = keras.layers.Concatenate(name="end")([a2, b2])
    assert ends(keras.Model(image, x)) == [("stage_1", "end", 4)]


def test_a_nested_downsampling_counts_with_its_stride():
    down = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 4, 4)], name="down"
    )
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(down(image))
    assert ends(keras.Model(image, x)) == [("stage_1", "conv", 4)]


def test_a_stage_without_weights_joins_the_one_before():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same", name="conv")(image)
    x = keras.layers.MaxPooling2D(name="pool")(x)
    assert ends(keras.Model(image, x)) == [("stage_1", "pool", 4)]


def test_rescaling_alone_is_no_stage():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    x = keras.layers.Conv2D(4, 3, 2, "same", name="conv_1")(x)
    x = keras.layers.Conv2D(4, 3, 2, "same", name="conv_2")(x)
    model = keras.Model(image, x)
    assert ends(model) == [("stem", "conv_1", 2), ("stage_1", "conv_2", 4)]
    parts = stages.partition(model, kt.stages_of(model))
    assert [op.name for op in parts["stem"]] == ["rescaling", "conv_1"]


def test_a_network_without_weights_is_one_stage():
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.MaxPooling2D(name="pool")(image))
    assert ends(model) == [("stage_1", "pool", 2)]


def test_an_open_image_size_changes_nothing(tiny_backbone):
    assert ends(tiny_backbone((None, None, 3))) == ends(tiny_backbone())


def test_a_dense_network_is_one_stage():
    image = keras.Input((8,))
    x = keras.layers.Dense(4, name="first")(image)
    model = keras.Model(image, keras.layers.Dense(2, name="last")(x))
    parts = stages.partition(model, kt.stages_of(model))
    assert {n: [o.name for o in ops] for n, ops in parts.items()} == {
        "stage_1": ["first", "last"]
    }


def test_a_stage_that_ends_nowhere_is_refused(tiny_backbone):
    with pytest.raises(ValueError, match="ends at 'conv_9', but"):
        stages.describe_stages(tiny_backbone(), (("stem", "conv_9"),))


@st.composite
def architectures(draw):
    """Steps of a network: plain, strided, residual, two-branched or nested."""
    return draw(
        st.lists(
            st.sampled_from(
                ["conv", "down", "residual", "branches", "nested", "pool"]
            ),
            min_size=1,
            max_size=7,
        )
    )


def build(steps):
    image = x = keras.Input((64, 64, 3))
    for step in steps:
        if step == "residual":
            y = keras.layers.Conv2D(x.shape[-1], 1)(x)
            x = keras.layers.Add()([x, y])
        elif step == "branches":
            x = keras.layers.Concatenate()(
                [keras.layers.Conv2D(2, 1)(x), keras.layers.Conv2D(3, 1)(x)]
            )
        elif step == "nested":
            inner = keras.Input(x.shape[1:])
            y = keras.layers.Conv2D(4, 3, 2, "same")(inner)
            x = keras.Model(inner, keras.layers.ReLU()(y))(x)
        elif step == "pool":
            x = keras.layers.MaxPooling2D(padding="same")(x)
        else:
            strides = 2 if step == "down" else 1
            x = keras.layers.Conv2D(4, 3, strides, "same")(x)
    return keras.Model(image, x)


@settings(max_examples=30, deadline=None)
@given(architectures())
def test_detected_stages_cover_every_weight_exactly_once(steps):
    model = build(steps)
    found = kt.detect_stages(model)
    parts = stages.partition(model, found)
    counted = [
        id(w)
        for operations in parts.values()
        for op in operations
        for w in getattr(op, "weights", ())
    ]
    assert sorted(counted) == sorted(id(w) for w in model.weights)
    assert found[-1].last_layer == model.layers[-1].name
    reductions = [stage.reduction for stage in found]
    assert reductions == sorted(reductions)
