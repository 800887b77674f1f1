"""Activation maximization."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining import networks


def activation(model, images, layer, channel):
    if layer == "logits":
        maps = networks.run_layers(model, images)["b"]
        return maps.mean(axis=(1, 2)) @ networks.kernel(model)[:, channel]
    maps = networks.run_layers(model, images)[layer]
    return maps[..., channel].mean(axis=(1, 2))


@pytest.mark.parametrize("build", [networks.flat, networks.ours])
def test_the_channel_answers_more_than_to_noise(build):
    model = build()
    at = "b" if build is networks.flat else "backbone/b"
    images = kt.activation_maximization(
        model, at=at, channel=[0, 3], steps=32, jitter=1
    )
    assert images.shape == (2, 12, 10, 3)
    assert images.min() >= 0
    assert images.max() <= 255
    noise = np.random.default_rng(0).uniform(0, 255, (50, 12, 10, 3))
    for image, channel in zip(images, (0, 3), strict=True):
        reached = activation(model, image[None], "b", channel)[0]
        others = activation(model, noise.astype("float32"), "b", channel)
        assert reached > others.max()


def test_without_a_layer_a_class_is_raised():
    model = networks.ours()
    (image,) = kt.activation_maximization(model, channel="bee", steps=32)
    noise = np.random.default_rng(0).uniform(0, 255, (50, 12, 10, 3))
    reached = activation(model, image[None], "logits", 1)[0]
    others = activation(model, noise.astype("float32"), "logits", 1)
    assert reached > others.max()


def test_a_single_unit_has_two_classes():
    model = networks.nested(1, "sigmoid")
    low, high = kt.activation_maximization(model, channel=[0, 1], steps=16)
    answers = activation(model, np.stack([low, high]), "logits", 0)
    assert answers[0] < answers[1]


def test_one_seed_gives_one_image():
    model = networks.nested()
    images = [
        kt.activation_maximization(model, channel=1, steps=3, seed=seed)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_smooth_images_have_less_fine_structure():
    model = networks.nested()

    def roughness(smoothness):
        image = kt.activation_maximization(
            model, channel=1, steps=16, smoothness=smoothness
        )
        return np.abs(np.diff(image, axis=1)).mean() / image.std()

    assert roughness(2.0) < 0.8 * roughness(0.0)


def test_a_model_of_any_size_is_told_the_size():
    image = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(
        keras.layers.Conv2D(4, 3, name="conv")(image)
    )
    model = keras.Model(image, keras.layers.Dense(2)(x))
    images = kt.activation_maximization(
        model, at="conv", steps=1, image_size=(9, 7), pixel_range=(-1, 1)
    )
    assert images.shape == (1, 9, 7, 3)
    assert np.abs(images).max() <= 1
    with pytest.raises(ValueError, match="of any size: say which"):
        kt.activation_maximization(model)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"steps": 0}, "`steps` must be a whole number of at least 1"),
        ({"jitter": -1}, "`jitter` must be a number of at least 0"),
        ({"smoothness": True}, "`smoothness` must be a number"),
        ({"image_size": 8}, r"takes images of \(12, 10\)"),
        ({"pixel_range": (1, 0)}, "smallest and the largest"),
        ({"at": "backbone/b", "channel": 5}, "channels 0 to 4"),
        ({"channel": "bea"}, "Did you mean 'bee'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.activation_maximization(networks.ours(), **arguments)


def test_the_model_must_take_images():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="expected one input of images"):
        kt.activation_maximization(model)


def test_maps_have_no_logits():
    with pytest.raises(ValueError, match=r"Name a layer, `at=`"):
        kt.activation_maximization(networks.features())
