"""A misspelt layer path is answered with the right one."""

import random
import string

import keras
import pytest

import keras_transfer as kt
from keras_transfer.structure.graph import calls_of


def model_with_many_alike_names():
    """Names as InceptionV3, ResNet and MobileNetV2 have them."""
    features = keras.Input((2,))
    x = features
    names = [f"conv2d_{i}" for i in range(1, 13)]
    names += [f"batch_normalization_{i}" for i in range(1, 13)]
    names += [
        f"conv{stage}_block{block}_{part}"
        for stage in (2, 3)
        for block in (1, 2, 3)
        for part in ("1_conv", "1_bn", "1_relu", "2_conv", "2_bn", "add", "out")
    ]
    names += [
        f"block_{block}_{part}"
        for block in range(1, 5)
        for part in ("expand", "expand_BN", "depthwise", "project")
    ]
    for name in names:
        x = keras.layers.Activation("linear", name=name)(x)
    inner = keras.Model(features, x, name="inner")
    outer = keras.Input((2,))
    return keras.Model(
        outer, keras.layers.Dense(1, name="scores")(inner(outer))
    )


def slip(rng, path):
    """Makes one mistake of typing: a letter lost, added, wrong or swapped."""
    i = rng.randrange(len(path))
    letter = rng.choice(string.ascii_lowercase + string.digits + "_")
    return rng.choice(
        [
            path[:i] + path[i + 1 :],
            path[:i] + letter + path[i:],
            path[:i] + letter + path[i + 1 :],
            path[:i] + path[i + 1 : i + 2] + path[i : i + 1] + path[i + 2 :],
        ]
    )


def test_two_hundred_misspellings_are_understood():
    model = model_with_many_alike_names()
    paths = list(calls_of(model))
    rng = random.Random(0)
    understood = tried = 0
    while tried < 200:
        path = rng.choice(paths)
        misspelt = slip(rng, path)
        if misspelt in paths or any(p.endswith(f"/{misspelt}") for p in paths):
            continue  # It means another layer now.
        tried += 1
        with pytest.raises(ValueError, match="matches nothing") as caught:
            kt.build_extractor(model, misspelt)
        suggestions = str(caught.value).rpartition("Did you mean ")[2]
        understood += repr(path) in suggestions
    assert understood >= 190


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("cnov2d_7", "inner/conv2d_7"),
        ("inner/conv2d7", "inner/conv2d_7"),
        ("innr/conv2d_7", "inner/conv2d_7"),
        ("scroes", "scores"),
        ("conv2d_21", "inner/conv2d_12"),
        ("bakbone", "backbone"),
    ],
)
def test_paths_and_last_parts_are_both_searched(misspelt, meant):
    with pytest.raises(ValueError, match=f"Did you mean .*'{meant}'"):
        kt.build_extractor(model_with_many_alike_names(), misspelt)
