"""The selector grammar."""

import keras
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keras_transfer.structure import anatomy
from keras_transfer.structure.paths import paths_of
from keras_transfer.structure.selectors import select


def names(model, selector):
    return [op.name for op in select(model, selector)]


def test_a_stage_selects_its_layers(tiny_model):
    assert names(tiny_model, "stage_2") == ["conv_3", "bn_3", "relu_3"]


def test_stages_are_found_through_nested_models_after_reload(
    tiny_model, tmp_path
):
    tiny_model.save(tmp_path / "m.keras")
    reloaded = keras.saving.load_model(tmp_path / "m.keras")
    assert names(reloaded, "stage_2") == ["conv_3", "bn_3", "relu_3"]


@pytest.mark.parametrize(
    "selector",
    [
        "tiny/conv_2",
        "backbone/conv_2",
        "conv_2",
        "*/conv_2",
        "conv_?2",
        lambda layer: layer.name == "conv_2",
        4,
        slice(4, 5),
        ["conv_2", "tiny/conv_2"],
    ],
)
def test_one_layer_can_be_named_in_many_ways(tiny_model, selector):
    if selector == "conv_?2":
        with pytest.raises(ValueError, match="matches nothing"):
            select(tiny_model, selector)
        return
    assert names(tiny_model, selector) == ["conv_2"]


def test_patterns_match_stages_paths_and_names(tiny_model):
    assert names(tiny_model, "stage_*") == [
        "conv_2",
        "bn_2",
        "relu_2",
        "conv_3",
        "bn_3",
        "relu_3",
    ]
    assert names(tiny_model, "bn_*") == ["bn_1", "bn_2", "bn_3"]


def test_brackets_in_a_pattern_are_literal():
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(1, name="a[0]b")(image))
    assert names(model, "a[0]*") == ["a[0]b"]


def test_backbone_and_head_select_the_two_parts(tiny_model):
    assert len(names(tiny_model, "backbone")) == 9
    assert names(tiny_model, "head") == ["head"]


def test_head_is_what_follows_the_backbone_in_any_model(tiny_backbone):
    backbone = tiny_backbone()
    x = keras.layers.Flatten(name="flat")(backbone.output)
    inner = keras.Model(backbone.input, x, name="inner")
    image = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Dense(4, name="hidden")(inner(x))
    model = keras.Model(image, keras.layers.Dense(2, name="out")(x))
    assert names(model, "head") == ["hidden", "out"]


def test_a_fraction_counts_layers_with_weights_from_the_output(tiny_model):
    assert names(tiny_model, 0.3) == ["conv_3", "bn_3", "head"]


def test_an_index_counts_operations_of_backbone_then_head(tiny_model):
    # Position 0 is the backbone's input, which holds nothing.
    assert names(tiny_model, -1) == ["head"]
    assert names(tiny_model, slice(7, None)) == [
        "conv_3",
        "bn_3",
        "relu_3",
        "head",
    ]


def test_index_counts_plain_operations_not_only_layers():
    image = keras.Input((8,))
    x = keras.ops.reshape(keras.layers.Dense(8)(image), (-1, 2, 4))
    model = keras.Model(image, keras.layers.Dense(3, name="last")(x))
    assert len(model.layers) == 3
    assert names(model, 3) == ["last"]


def test_an_ambiguous_name_lists_the_paths(tiny_backbone):
    image = keras.Input((32, 32, 3))
    first, second = tiny_backbone(name="one"), tiny_backbone(name="two")
    x = keras.layers.Add()([first(image), second(image)])
    model = keras.Model(image, x)
    with pytest.raises(ValueError, match="one/conv_1', 'two/conv_1"):
        select(model, "conv_1")
    assert names(model, "two/conv_1") == ["conv_1"]


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("stag_2", "stage_2"),
        ("conv_22", "tiny/conv_2"),
        ("tiny/convv_2", "tiny/conv_2"),
        ("backbnoe", "backbone"),
        ("hed", "head"),
    ],
)
def test_a_misspelt_selector_suggests_the_right_one(tiny_model, typo, meant):
    with pytest.raises(ValueError, match=f"Did you mean.*'{meant}'"):
        select(tiny_model, typo)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("zzzzzz", "matches nothing"),
        ("zzz*", "matches nothing"),
        (99, "out of range"),
        (slice(50, 60), "selects none"),
        (0.0, "above 0 and at most 1"),
        (1.5, "above 0 and at most 1"),
        (lambda layer: False, "is true for none"),
    ],
)
def test_a_selector_that_matches_nothing_is_an_error(
    tiny_model, selector, message
):
    with pytest.raises(ValueError, match=message):
        select(tiny_model, selector)


@pytest.mark.parametrize("selector", [True, None, {}, b"conv_1"])
def test_an_object_that_is_no_selector_is_refused(tiny_model, selector):
    with pytest.raises(TypeError, match="A selector is a stage name"):
        select(tiny_model, [selector])


def test_a_predicate_that_raises_is_not_swallowed(tiny_model):
    def broken(layer):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        select(tiny_model, broken)


def test_a_subclassed_model_is_selected_by_its_layers():
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(3, name="first")
            self.second = keras.layers.Dense(2, name="second")

        def call(self, inputs):
            return self.second(self.first(inputs))

    model = Classifier()
    model(keras.ops.zeros((1, 4)))
    assert names(model, "second") == ["second"]
    assert names(model, 0.5) == ["second"]
    assert names(model, slice(0, 1)) == ["first"]


# Arbitrary layer names, in nested blocks. "/" is forbidden by Keras, "." by
# torch.
blocks = st.lists(
    st.lists(
        st.text(
            st.characters(
                codec="utf-8", exclude_characters="/.*?", min_codepoint=33
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    min_size=1,
    max_size=3,
)


def build(blocks):
    image = keras.Input((3,))
    x = image
    for number, block in enumerate(blocks):
        inner = keras.Input((3,))
        y = inner
        for name in block:
            y = keras.layers.Dense(3, name=name)(y)
        x = keras.Model(inner, y, name=f"block_{number}")(x)
    return keras.Model(image, x)


@settings(max_examples=25, deadline=None)
@given(blocks, st.data())
def test_every_path_selects_exactly_its_layer(blocks, data):
    model = build(blocks)
    paths = paths_of(model)
    path = data.draw(st.sampled_from(sorted(paths)))
    expected = paths[path]
    selected = select(model, [path])
    stages = {stage.name for stage in anatomy.dissect(model).stages}
    if path in stages or path in ("backbone", "head"):
        return  # Reserved names mean the part, wherever a layer has them too.
    if isinstance(expected, keras.Model):
        assert selected == [
            op
            for op in paths_of(expected).values()
            if not isinstance(op, keras.Model)
        ]
    else:
        assert selected == [expected]


@settings(max_examples=25, deadline=None)
@given(blocks, st.data())
def test_selection_is_a_set_in_model_order(blocks, data):
    model = build(blocks)
    paths = [
        path
        for path, op in paths_of(model).items()
        if not isinstance(op, keras.Model)
    ]
    chosen = data.draw(st.lists(st.sampled_from(paths)))
    selected = select(model, chosen)
    positions = [select(model, lambda op: True).index(op) for op in selected]
    assert positions == sorted(set(positions))
    assert len(selected) == len(set(chosen))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_a_larger_fraction_selects_at_least_as_much(first, second):
    image = keras.Input((2,))
    x = image
    for _ in range(7):
        x = keras.layers.Dense(2)(x)
    model = keras.Model(image, x)
    small, large = sorted([first, second])
    assert set(names(model, small)) <= set(names(model, large))
