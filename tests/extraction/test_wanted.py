"""What can be asked for, and under which name it comes."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.extraction.networks import attention_scores
from tests.extraction.networks import encoder
from tests.extraction.networks import siamese


def names(model, selectors, **options):
    return list(kt.build_extractor(model, selectors, **options).paths)


def paths(model, selectors, **options):
    return list(kt.build_extractor(model, selectors, **options).paths.values())


@pytest.mark.parametrize(
    ("selector", "path"),
    [
        ("stage_2", "tiny/relu_3"),
        ("backbone", "tiny"),
        ("head", "head"),
        ("tiny/conv_2", "tiny/conv_2"),
        ("backbone/conv_2", "tiny/conv_2"),
        ("conv_2", "tiny/conv_2"),
    ],
)
def test_a_name_gives_one_activation_under_that_very_name(
    tiny_model, selector, path
):
    extractor = kt.build_extractor(tiny_model, selector)
    assert extractor.paths == {selector: path}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("bn_*", ["tiny/bn_1", "tiny/bn_2", "tiny/bn_3"]),
        ("tiny/conv_?", ["tiny/conv_1", "tiny/conv_2", "tiny/conv_3"]),
        (3, ["tiny/relu_1"]),
        (-1, ["head"]),
        (slice(0, 3), ["tiny/conv_1", "tiny/bn_1"]),
        (0.3, ["tiny/conv_3", "tiny/bn_3", "head"]),
        (
            lambda layer: "conv" in layer.name,
            [f"tiny/conv_{i}" for i in (1, 2, 3)],
        ),
    ],
)
def test_what_may_match_more_gives_full_paths(tiny_model, selector, expected):
    extractor = kt.build_extractor(tiny_model, selector)
    assert extractor.paths == {path: path for path in expected}


def test_a_pattern_of_stages_gives_their_ends_under_their_names(tiny_model):
    extractor = kt.build_extractor(tiny_model, "stage_*")
    assert extractor.paths == {
        "stage_1": "tiny/relu_2",
        "stage_2": "tiny/relu_3",
    }


def test_a_dictionary_gives_names_of_ones_own(tiny_model):
    extractor = kt.build_extractor(
        tiny_model, {"edges": "stem", "scores": "head"}
    )
    assert extractor.paths == {"edges": "tiny/relu_1", "scores": "head"}
    activations = extractor(np.zeros((1, 32, 32, 3)))
    assert set(activations) == {"edges", "scores"}


def test_a_backbone_alone_has_stages_and_an_end(tiny_backbone):
    backbone = tiny_backbone()
    assert paths(backbone, ["stage_1", "backbone"]) == ["relu_2", "relu_3"]


def test_patterns_and_predicates_find_every_call():
    model = siamese().model
    both = ["encoder/c1", "encoder:1/c1"]
    assert paths(model, "*c1") == both
    assert paths(model, lambda layer: layer.name == "c1") == both


def test_a_layer_with_two_outputs_is_asked_for_one():
    model = attention_scores().model
    with pytest.raises(ValueError, match=r"returns 2 tensors.*attention\[1\]"):
        kt.build_extractor(model, "inner/attention")
    with pytest.raises(ValueError, match=r"2 tensor\(s\).*attention\[2\]"):
        kt.build_extractor(model, "attention[2]")
    assert names(model, "*attention") == [
        "inner/attention[0]",
        "inner/attention[1]",
    ]


def test_a_bracket_may_be_part_of_a_name():
    features = keras.Input((4,))
    model = keras.Model(features, keras.layers.Dense(2, name="a[0]")(features))
    assert paths(model, "a[0]") == ["a[0]"]
    assert names(model, "a[0][0]") == ["a[0][0]"]


def test_a_name_that_means_two_activations_is_refused():
    with pytest.raises(ValueError, match="ambiguous.*encoder:1/c1"):
        kt.build_extractor(siamese().model, "c1")
    inner = encoder()
    features = keras.Input((8,))
    x = inner(features)
    model = keras.Model(
        features,
        [
            keras.layers.Dense(2, name="a")(x),
            keras.layers.Dense(2, name="b")(x),
        ],
    )
    with pytest.raises(ValueError, match=r"2 activations.*\['a', 'b'\]"):
        kt.build_extractor(model, "head")


def test_one_name_for_two_activations_is_refused(tiny_model):
    with pytest.raises(ValueError, match="Expected one for each name"):
        kt.build_extractor(tiny_model, {"all": "bn_*"})
    features = keras.Input((4,))
    x = keras.layers.Dense(3, name="a")(features)
    inner = keras.Model(features, keras.layers.Dense(3, name="b")(x), name="in")
    outer = keras.Input((4,))
    x = keras.layers.Dense(2, name="stem")(inner(outer))
    x = keras.layers.Dense(2, name="stage_1")(x)
    model = keras.Model(outer, x)
    # `stage_1` is the stage of the nested model, its pattern the layer as well.
    with pytest.raises(ValueError, match="Two activations would be called"):
        kt.build_extractor(model, "stage_1*")


@pytest.mark.parametrize(
    ("selectors", "error", "message"),
    [
        ([], ValueError, "at least one selector"),
        ({}, ValueError, "at least one selector"),
        ({3: "conv_1"}, TypeError, "keys of a dictionary.*Received: 3"),
        (0, ValueError, "names only inputs"),
        (None, TypeError, "A selector is a stage name"),
        ("conv_9", ValueError, "Did you mean 'tiny/conv_"),
        ("tiny/cnv_2", ValueError, "Did you mean 'tiny/conv_2'"),
        ("stge_2", ValueError, "Did you mean 'stage_2'"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    tiny_model, selectors, error, message
):
    with pytest.raises(error, match=message):
        kt.build_extractor(tiny_model, selectors)


@pytest.mark.parametrize("model", ["vgg16", None, keras.layers.Dense(2)])
def test_only_models_are_extracted_from(model):
    with pytest.raises(TypeError, match="extracted from a keras.Model"):
        kt.build_extractor(model, "head")


def test_a_model_that_is_not_built_says_how_to_build_it():
    model = keras.Sequential([keras.layers.Dense(2, name="a")])
    with pytest.raises(ValueError, match="Give it a keras.Input"):
        kt.build_extractor(model, "a")
