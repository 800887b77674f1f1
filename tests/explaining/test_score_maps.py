"""Class activation maps without gradients, against slow loops."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining import networks
from tests.explaining.networks import IMAGES


def enlarged(one, size):
    """Bilinear interpolation between the centres of pixels, by hand."""
    height, width = one.shape
    large = np.zeros(size)
    for i in range(size[0]):
        for j in range(size[1]):
            y = np.clip((i + 0.5) * height / size[0] - 0.5, 0, height - 1)
            x = np.clip((j + 0.5) * width / size[1] - 0.5, 0, width - 1)
            top, left = int(y), int(x)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            large[i, j] = (
                one[top, left] * (1 - y + top) * (1 - x + left)
                + one[below, left] * (y - top) * (1 - x + left)
                + one[top, right] * (1 - y + top) * (x - left)
                + one[below, right] * (y - top) * (x - left)
            )
    return large


@pytest.mark.parametrize("build", [networks.flat, networks.ours])
def test_score_cam_agrees_with_the_loop_of_the_paper(build):
    model = build()
    logits_model = build(activation=None)
    logits_model.set_weights(model.get_weights())
    maps = networks.run_layers(model, IMAGES)["b"]
    expected = []
    for image, activation in zip(IMAGES, maps, strict=True):
        scores = []
        for c in range(activation.shape[-1]):
            mask = enlarged(activation[..., c], (12, 10))
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            masked = (image * mask[..., None])[None].astype("float32")
            logits = keras.ops.convert_to_numpy(logits_model(masked))
            scores.append(logits[0, 1])
        weights = np.exp(scores) / np.exp(scores).sum()
        expected.append(np.maximum(activation @ weights, 0))
    heat = kt.score_cam(model, IMAGES, 1, upsample=False)
    np.testing.assert_allclose(heat, expected, atol=1e-5)
    assert heat.max() > 0.1


def test_score_cam_of_the_channels_that_vary_most():
    model = networks.nested()
    maps = networks.run_layers(model, IMAGES)["b"]
    heat = kt.score_cam(model, IMAGES, 1, max_channels=1, upsample=False)
    strongest = maps.std(axis=(1, 2)).argmax(-1)
    for i, channel in enumerate(strongest):
        np.testing.assert_allclose(
            heat[i], np.maximum(maps[i, ..., channel], 0), atol=1e-6
        )


def test_a_constant_map_is_no_error():
    model = networks.nested()
    second = networks.find(model, "b")
    kernel = keras.ops.convert_to_numpy(second.kernel).copy()
    kernel[..., 2] = 0
    second.kernel.assign(kernel)
    assert np.isfinite(kt.score_cam(model, IMAGES, 1)).all()


def test_eigen_cam_is_the_first_principal_component():
    model = networks.nested()
    maps = networks.run_layers(model, IMAGES)["b"].astype("float64")
    heat = kt.eigen_cam(model, IMAGES, upsample=False)
    for one, found in zip(maps, heat, strict=True):
        flat = one.reshape(-1, one.shape[-1])
        _, directions = np.linalg.eigh(flat.T @ flat)
        projection = flat @ directions[:, -1]
        projection *= np.sign(projection.sum())
        expected = np.maximum(projection, 0).reshape(one.shape[:2])
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("number", [0, -1, 1.5, True])
def test_the_number_of_channels_is_checked(number):
    with pytest.raises(ValueError, match="`max_channels` must be a whole"):
        kt.score_cam(networks.nested(), IMAGES, max_channels=number)


def test_score_cam_masks_one_image():
    backbone = networks.features()
    left, right = keras.Input((12, 10, 3)), keras.Input((12, 10, 3))
    both = keras.layers.Add()([backbone(left), backbone(right)])
    model = keras.Model([left, right], networks.classify(both))
    with pytest.raises(ValueError, match="masks one image, but .* 2 inputs"):
        kt.score_cam(model, [IMAGES, IMAGES])
