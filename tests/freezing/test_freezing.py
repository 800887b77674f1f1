"""Freezing, judged by what moves in training."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer.structure import selectors


def values(model):
    return [keras.ops.convert_to_numpy(v).copy() for v in model.weights]


def moved(model, train):
    """Paths of the weights that differ bitwise after training."""
    before = values(model)
    train()
    return {
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if not np.array_equal(old, keras.ops.convert_to_numpy(weight))
    }


def fit(model, epochs=1):
    model.compile(
        keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy"
    )
    rng = np.random.default_rng(0)
    # Small values: a saturated softmax has no gradient on every backend.
    x = rng.uniform(0, 1, (8, 32, 32, 3)).astype("float32")
    y = np.arange(8) % 2
    return lambda: model.fit(x, y, epochs=epochs, batch_size=4, verbose=0)


def paths(model, *parts):
    return {
        weight.path
        for weight in model.weights
        if any(part in weight.path for part in parts)
    }


def test_only_the_selection_moves(tiny_model):
    kt.set_trainable(tiny_model, ["stage_2", "head"])
    assert moved(tiny_model, fit(tiny_model)) == paths(
        tiny_model, "conv_3", "bn_3", "head"
    )


def test_nothing_selected_freezes_everything(tiny_model):
    kt.set_trainable(tiny_model, [])
    assert tiny_model.trainable_variables == []
    kt.set_trainable(tiny_model, "head")
    assert len(tiny_model.trainable_variables) == 2


def test_freezing_a_backbone_leaves_the_head_around_it(tiny_backbone):
    backbone = tiny_backbone()
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    kt.set_trainable(backbone, [])
    assert moved(model, fit(model, epochs=2)) == paths(model, "head")


def test_freeze_protects_the_whole_backbone_batch_norm_included(tiny_model):
    kt.freeze(tiny_model)
    assert moved(tiny_model, fit(tiny_model, 2)) == paths(tiny_model, "head")


def test_freeze_up_to_a_stage_opens_what_follows(tiny_model):
    kt.set_trainable(tiny_model, [])
    kt.freeze(tiny_model, up_to="stem")
    assert moved(tiny_model, fit(tiny_model)) == paths(
        tiny_model, "conv_2", "bn_2", "conv_3", "bn_3", "head"
    )


def test_freeze_up_to_a_layer_freezes_every_branch_that_leads_to_it():
    image = keras.Input((4,))
    left = keras.layers.Dense(4, name="left")(image)
    right = keras.layers.Dense(4, name="right")(image)
    merged = keras.layers.Add(name="merged")([left, right])
    outputs = keras.layers.Dense(2, name="after")(merged)
    model = keras.Model(image, outputs)
    kt.freeze(model, up_to="merged")
    assert {v.path.split("/")[0] for v in model.trainable_variables} == {
        "after"
    }
    kt.freeze(model, up_to="left")
    assert {v.path.split("/")[0] for v in model.trainable_variables} == {
        "right",
        "after",
    }


def test_freeze_reaches_through_two_levels_of_nesting(tiny_backbone):
    inner = tiny_backbone(name="inner")
    middle_input = keras.Input((32, 32, 3))
    middle = keras.Model(
        middle_input,
        keras.layers.Conv2D(3, 1, name="late")(inner(middle_input)),
        name="middle",
    )
    image = keras.Input((32, 32, 3))
    early = keras.layers.Conv2D(3, 1, name="early")(image)
    model = keras.Model(image, middle(early))
    kt.freeze(model, up_to="middle/inner/conv_2")
    opened = {v.path.split("/")[-2] for v in model.trainable_variables}
    assert opened == {"bn_2", "conv_3", "bn_3", "late"}


@pytest.mark.parametrize(
    ("policy", "statistics", "affine"),
    [
        ("full", True, True),
        ("frozen", False, False),
        ("statistics", True, False),
        ("affine", False, True),
    ],
)
def test_batch_norm_policies(tiny_model, policy, statistics, affine):
    kt.set_trainable(tiny_model, ["stage_2", "head"], batch_norm=policy)
    changed = moved(tiny_model, fit(tiny_model))
    assert paths(tiny_model, "conv_3", "head") <= changed
    has_moved = {path.rpartition("/")[2] for path in changed if "bn_3" in path}
    expected = {"moving_mean", "moving_variance"} if statistics else set()
    expected |= {"gamma", "beta"} if affine else set()
    assert has_moved == expected
    assert not changed & paths(tiny_model, "bn_1", "bn_2")
    stage = {p.name: p for p in kt.trainable_summary(tiny_model).parts}
    assert stage["stage_2"].batch_norm == policy
    assert stage["stem"].batch_norm == "frozen"


def test_thawing_after_freezing_restores_every_flag(tiny_model):
    before = [v.trainable for v in tiny_model.variables]
    kt.set_trainable(tiny_model, [])
    kt.set_trainable(tiny_model, "backbone", batch_norm="statistics")
    kt.set_trainable(tiny_model, ["backbone", "head"])
    assert [v.trainable for v in tiny_model.variables] == before


def test_an_inner_flag_that_was_thawed_by_hand_is_frozen_again(tiny_model):
    kt.set_trainable(tiny_model, [])
    tiny_model.get_layer("tiny").get_layer("bn_1").trainable = True
    kt.set_trainable(tiny_model, [])
    assert tiny_model.trainable_variables == []


def test_a_composite_layer_is_frozen_with_all_it_holds():
    @keras.saving.register_keras_serializable("test_freezing")
    class Block(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(4)
            self.norm = keras.layers.BatchNormalization()

        def call(self, inputs):
            return self.norm(self.dense(inputs))

    image = keras.Input((4,))
    model = keras.Model(
        image, keras.layers.Dense(2, name="out")(Block(name="block")(image))
    )
    kt.set_trainable(model, "out")
    assert len(model.trainable_variables) == 2
    kt.set_trainable(model, "block")
    assert len(model.trainable_variables) == 4


def test_flags_survive_a_reload(tiny_model, tmp_path):
    kt.set_trainable(tiny_model, ["stage_1", "head"])
    tiny_model.save(tmp_path / "m.keras")
    reloaded = keras.saving.load_model(tmp_path / "m.keras")
    assert [v.path for v in reloaded.trainable_variables] == [
        v.path for v in tiny_model.trainable_variables
    ]


def test_a_selection_without_weights_is_refused(tiny_model):
    with pytest.raises(
        ValueError, match=r"holds no weights, only \['relu_1'\]"
    ):
        kt.set_trainable(tiny_model, "relu_1")


def test_a_refused_selection_changes_no_flag(tiny_model):
    before = [v.trainable for v in tiny_model.variables]
    with pytest.raises(ValueError, match="matches nothing"):
        kt.set_trainable(tiny_model, ["head", "nowhere"])
    assert [v.trainable for v in tiny_model.variables] == before


def test_an_unknown_policy_is_refused(tiny_model):
    with pytest.raises(ValueError, match="Unknown `batch_norm` policy 'thaw'"):
        kt.set_trainable(tiny_model, "head", batch_norm="thaw")


def test_the_summary_counts_every_parameter_once(tiny_model):
    kt.set_trainable(tiny_model, ["stage_1", "head"])
    summary = kt.trainable_summary(tiny_model)
    assert summary.parameters == tiny_model.count_params()
    assert summary.trainable == sum(
        int(np.prod(v.shape)) for v in tiny_model.trainable_variables
    )
    assert [part.name for part in summary.parts] == [
        "stem",
        "stage_1",
        "stage_2",
        "head",
    ]
    assert "stage_1" in str(summary)
    assert f"{tiny_model.count_params():,}" in str(summary)


def test_weights_before_the_backbone_are_counted_too(tiny_backbone):
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(3, 1, name="early")(image)
    model = keras.Model(image, tiny_backbone()(x))
    summary = kt.trainable_summary(model)
    assert summary.parts[0].name == "other"
    assert summary.parameters == model.count_params()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["stem", "stage_1", "stage_2", "head"])))
def test_open_and_frozen_partition_the_weights(parts):
    from tests.conftest import build_tiny

    model = kt.build_model(build_tiny(), kt.heads.LinearHead(2))
    kt.set_trainable(model, parts)
    selected = selectors.select(model, parts)
    expected = set(
        itertools.chain.from_iterable(
            (v.path for v in op.weights if "moving" not in v.path)
            for op in selected
        )
    )
    assert {v.path for v in model.trainable_variables} == expected
