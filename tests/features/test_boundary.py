import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.features import boundary
from keras_transfer.features.steps import flatten
from tests.features.networks import build_classifier
from tests.features.networks import build_residual
from tests.features.networks import photographs


def check_split(model, images):
    """Both parts together are the model, on the model's own weights."""
    parts = kt.split_at_boundary(model)
    inputs = keras.tree.flatten(images)
    outputs = parts.suffix(parts.prefix(inputs), training=False)
    expected = keras.tree.flatten(model(images, training=False))
    for output, whole in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, whole)
    own = {id(weight) for weight in model.weights}
    held = [*parts.prefix.weights, *parts.suffix.weights]
    assert {id(weight) for weight in held} == own
    assert not parts.prefix.trainable_weights
    opened = {id(weight) for weight in parts.suffix.trainable_weights}
    assert opened == {id(weight) for weight in model.trainable_weights}
    return parts


def test_a_frozen_backbone_ends_after_the_pooling_of_the_head():
    model = build_classifier()
    kt.freeze(model)
    parts = check_split(model, photographs()[0])
    assert [tuple(r.spec.shape) for r in parts.prefix.output_refs] == [
        (None, 12)
    ]
    assert parts.row_bytes == 12 * 4


@pytest.mark.parametrize("stage", ["stem", "stage_1", "stage_2"])
def test_the_cut_goes_through_a_nested_backbone(stage):
    model = build_classifier()
    kt.freeze(model, up_to=stage)
    parts = check_split(model, photographs()[0])
    assert parts.computes_something


def test_an_open_skip_connection_lets_two_tensors_cross():
    model = build_classifier()
    kt.freeze(model)
    model.get_layer("residual").get_layer("mix_3").trainable = True
    # What it adds to passes by, through layers that stay frozen.
    parts = check_split(model, photographs()[0])
    crossing = [tuple(r.spec.shape) for r in parts.prefix.output_refs]
    assert crossing == [(None, 2, 2, 12)]
    model.get_layer("residual").get_layer("mix_2").trainable = True
    image = keras.Input((4,), name="image")
    left = keras.layers.Dense(3, name="left", trainable=False)(image)
    right = keras.layers.Dense(3, name="right", trainable=False)(image)
    opened = keras.layers.Dense(3, name="opened")(left)
    model = keras.Model(image, keras.layers.Add()([opened, right]))
    parts = check_split(model, np.ones((2, 4), "float32"))
    assert len(parts.prefix.output_refs) == 2


def test_a_model_that_all_trains_is_all_suffix():
    model = build_classifier()
    parts = check_split(model, photographs()[0])
    assert not parts.computes_something
    assert not parts.prefix.weights


def test_a_model_that_is_all_frozen_is_all_prefix_but_its_dropout():
    model = build_classifier(dropout=0.0)
    model.trainable = False
    assert not kt.split_at_boundary(model).suffix.weights
    model = build_classifier()
    model.trainable = False
    assert kt.split_at_boundary(model).suffix.weights


def test_statistics_that_move_are_not_computed_once():
    model = build_classifier()
    kt.set_trainable(model, ["head", "stage_2"], batch_norm="statistics")
    names = {
        step.operation.name for step in kt.split_at_boundary(model).prefix.steps
    }
    assert "bn_2" in names
    assert "bn_3" not in names


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Dropout(0.5),
        keras.layers.GaussianNoise(1.0),
        keras.layers.RandomFlip(),
    ],
)
def test_what_draws_random_numbers_is_not_computed_once(layer):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, trainable=False, name="before")(image)
    x = layer(x)
    x = keras.layers.Conv2D(4, 3, trainable=False, name="behind")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    names = {
        step.operation.name for step in kt.split_at_boundary(model).prefix.steps
    }
    assert names == {"before"}


def test_a_backbone_called_twice_is_two_calls():
    backbone = build_residual(1)
    backbone.trainable = False
    one, other = keras.Input((16, 16, 3)), keras.Input((16, 16, 3))
    pool = keras.layers.GlobalAveragePooling2D()
    joined = keras.layers.Concatenate()(
        [pool(backbone(one)), pool(backbone(other))]
    )
    model = keras.Model([one, other], keras.layers.Dense(2)(joined))
    images = photographs(4)[0]
    parts = check_split(model, [images, images[::-1]])
    assert tuple(parts.prefix.output_refs[0].spec.shape) == (None, 8)


def test_inputs_may_come_by_name():
    one, other = keras.Input((3,), name="one"), keras.Input((3,), name="other")
    frozen = keras.layers.Dense(4, trainable=False)
    total = keras.ops.add(frozen(one), other[:, :1])
    model = keras.Model(
        {"one": one, "other": other}, keras.layers.Dense(2)(total)
    )
    rng = np.random.default_rng(0)
    check_split(
        model,
        {
            name: rng.random((5, 3)).astype("float32")
            for name in ("one", "other")
        },
    )


def test_mixed_precision_is_cut_without_another_rounding():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build_classifier()
    finally:
        keras.config.set_dtype_policy("float32")
    kt.freeze(model)
    parts = check_split(model, photographs()[0])
    assert parts.row_bytes == 12 * 2


def test_a_subclassed_model_cannot_be_cut():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="has no graph that could be divided"):
        kt.split_at_boundary(Subclassed(name="mine"))


def test_open_sizes_have_no_row_size():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, trainable=False)(image)
    x = keras.layers.Conv2D(4, 3)(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ValueError, match="whose size is open"):
        kt.split_at_boundary(model).row_bytes  # noqa: B018


def test_before_everything_the_inputs_cross():
    flat = flatten(build_classifier())
    whole = boundary.uncut(flat)
    assert whole.prefix.output_refs == flat.inputs
