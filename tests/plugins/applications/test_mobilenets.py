"""Options of the MobileNets, on which their weights files depend."""

import itertools

import keras
import numpy as np
import pytest

import keras_transfer as kt


class Stop(Exception):
    """Ends the building of a model as soon as it asks for its weights."""


@pytest.fixture
def ask_keras(monkeypatch):
    """A function that tells which file Keras would load."""

    def get_file(file_name, url, file_hash=None, cache_subdir=None):
        raise Stop(file_name, url, file_hash)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)

    def ask(factory, shape, **options):
        build = getattr(keras.applications, factory)
        with pytest.raises(Stop) as stopped:
            build(include_top=False, input_shape=shape, **options)
        return stopped.value.args

    return ask


SHAPES = [(128, 128, 3), (96, 96, 3), (160, 192, 3), (224, 224, 3), None]


# Keras says that other sizes get the weights of 224 pixels.
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning")
@pytest.mark.parametrize(
    ("name", "factory", "shape", "options"),
    [
        ("mobilenet", "MobileNet", shape, {"alpha": alpha})
        for shape, alpha in [
            *itertools.product(SHAPES, [0.5]),
            *itertools.product([(160, 160, 3)], [0.25, 0.75, 1.0, 1]),
        ]
    ]
    + [
        ("mobilenet_v2", "MobileNetV2", shape, {"alpha": alpha})
        for shape, alpha in [
            *itertools.product(SHAPES, [0.5]),
            *itertools.product([(96, 96, 3)], [0.35, 0.75, 1.0, 1.3, 1.4, 1]),
        ]
    ]
    + [
        (f"mobilenet_v3_{size.lower()}", f"MobileNetV3{size}", shape, options)
        for size, (shape, options) in itertools.product(
            ["Small", "Large"],
            [
                ((96, 96, 3), {"alpha": 0.75}),
                ((224, 224, 3), {"alpha": 1.0}),
                ((224, 224, 3), {"minimalistic": True}),
            ],
        )
    ],
)
def test_the_weights_file_is_the_one_that_keras_loads(
    ask_keras, name, factory, shape, options
):
    source = kt.get_backbone(name).weights["imagenet"]
    ours = source(shape or (224, 224, 3), **options)
    theirs = ask_keras(factory, shape, **options)
    assert (ours.file_name, ours.url, ours.md5) == theirs


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mobilenet", {"alpha": 0.3}, "Expected one of 0.25, 0.5, 0.75, 1.0;"),
        ("mobilenet", {"depth_multiplier": 2}, "depth_multiplier=1 alone"),
        ("mobilenet_v2", {"alpha": 0.25}, "one of 0.35, 0.5, 0.75, 1.0, 1.3"),
        ("mobilenet_v3_small", {"alpha": 0.5}, "Expected one of 0.75, 1.0;"),
        (
            "mobilenet_v3_large",
            {"alpha": 0.75, "minimalistic": True},
            r"\(minimalistic\)' with alpha=0.75. Expected one of 1.0;",
        ),
    ],
)
def test_an_unpublished_variant_is_explained(name, options, message):
    with pytest.raises(ValueError, match=message):
        kt.create_backbone(name, weights="imagenet", **options)


@pytest.mark.parametrize(
    "name",
    ["mobilenet", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"],
)
@pytest.mark.parametrize("weights", [None, "imagenet"])
@pytest.mark.parametrize(
    ("alpha", "error", "message"),
    [
        ("0.75", TypeError, "`alpha` must be a number, such as alpha=0.75"),
        (True, TypeError, "alpha=True of type bool"),
        (0, ValueError, "it must be above 0. Received: alpha=0"),
        (-1.0, ValueError, "Received: alpha=-1.0"),
        (float("nan"), ValueError, "Received: alpha=nan"),
    ],
)
def test_a_bad_alpha_is_explained(name, weights, alpha, error, message):
    with pytest.raises(error, match=message):
        kt.create_backbone(name, weights=weights, alpha=alpha)


@pytest.mark.parametrize("multiplier", [0, 1.5, True, "2"])
def test_a_bad_depth_multiplier_is_explained(multiplier):
    with pytest.raises(ValueError, match="must be an integer of at least 1"):
        kt.create_backbone(
            "mobilenet", weights=None, depth_multiplier=multiplier
        )


def test_a_bad_minimalistic_is_explained():
    with pytest.raises(TypeError, match="`minimalistic` must be True or False"):
        kt.create_backbone(
            "mobilenet_v3_small", weights=None, minimalistic="yes"
        )


@pytest.mark.parametrize("minimalistic", [False, True])
@pytest.mark.parametrize("alpha", [0.35, 1.0])
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenet_v3_large"])
def test_stages_hold_whatever_the_options(name, alpha, minimalistic):
    backbone = kt.create_backbone(
        name,
        weights=None,
        input_shape=(32, 32, 3),
        alpha=alpha,
        minimalistic=minimalistic,
    )
    reductions = [stage.reduction for stage in kt.stages_of(backbone)]
    assert reductions == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("alpha", [0.1, 0.35, 1.4])
def test_stages_of_the_second_version_hold_for_every_width(alpha):
    backbone = kt.create_backbone(
        "mobilenet_v2", weights=None, input_shape=(32, 32, 3), alpha=alpha
    )
    reductions = [stage.reduction for stage in kt.stages_of(backbone)]
    assert reductions == [2, 4, 8, 16, 32]


def test_real_weights_give_the_features_that_keras_gives(imagenet, assets):
    photograph = sorted((assets / "hymenoptera/val/ants").glob("*.jpg"))[0]
    image = keras.utils.load_img(photograph, target_size=(224, 224))
    images = keras.utils.img_to_array(image)[None]
    backbone = kt.create_backbone("mobilenet", alpha=0.75)
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    features = keras.Model(model.input, model.layers[-1].input)
    # Keras reads KERAS_HOME when it is imported, hence the path.
    reference = keras.applications.MobileNet(
        alpha=0.75,
        include_top=False,
        input_shape=(224, 224, 3),
        weights=imagenet / "models" / "mobilenet_7_5_224_tf_no_top.h5",
    )
    prepared = keras.applications.mobilenet.preprocess_input(images.copy())
    np.testing.assert_allclose(features(images), reference(prepared), atol=1e-4)
    assert np.asarray(reference(prepared)).max() > 1
